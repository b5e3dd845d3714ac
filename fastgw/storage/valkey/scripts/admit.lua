-- Decides a batch of admissions and applies a batch of settlements, atomically.
--
-- KEYS     one record for each key or client address that the batch touches ("subject"); then, if it touches purses, one
--          record for each, the set of wanted purses, and the worker's hash of purses that wait for its numbers
-- ARGV[1]  MessagePack, one flat array of integers up to 2^53; times in microseconds:
--          worker, now (0: the server's clock), lease, asks, purses, session, run of the server (0: unknown)
--          for each subject: window_r, window_t, cost_r, concurrency, epoch, memory, correction_t, leases
--          for each ask:     key, address (indices into KEYS, 0: none), cost_t of the key, cost_t of the address, epoch,
--                            requests that it stands for (1, or more when a worker takes some ahead)
--          for each purse:   spent, released, generation, limits: total, 5 h, 1 d, 7 d, month; -1 first for an account's
--          for each hold:    number of its ask (ascending), account's purse, key's purse (0: none), want, least
-- Answer   MessagePack, one flat array: now, tat_r and tat_t of each subject, then one number for each ask:
--          0 granted, else wait * 16 + code (1-3 the key's requests, tokens, concurrency; 4-6 the address's; 7 stale;
--          8 balance; 9-13 quota in total, of 5 h, 1 d, 7 d, month; 14 rebuilding); then for each purse: 0 the report
--          was taken, -1 there is no place for it, else the generation with which the worker has to tell its whole
--          numbers; then for each hold: what was granted or, for codes 8 to 13, what is left
--
-- A record is a MessagePack array: tat_r, tat_t, epoch, then worker, count, until for each worker that holds leases.
-- A window of 0 means that there is no such limit. `leases` >= 0 are given back; below 0 it sets the worker's own count
-- to -leases - 1 (the heartbeat). The arithmetic is that of fastgw/bucket.py, which divides so that this need not.
--
-- A purse is a MessagePack array (docs/adr/0008): generation, version (-1: only a place is kept), version of journals, run
-- of the server (one of another run may be an old state, restored, and goes), the balance or what was spent, month_until_s, month, then sum and next change (Unix seconds, 0: never) of what was
-- spent in 5 h, 1 d and 7 d, then for each worker: number, session, state (0 silent: nothing is granted before it has
-- told its numbers; 1 heard; 2 new: it cannot hold any, and tells before it is granted any), spent, drained, held, until.
-- When which amount leaves a window is in `<record>:leaving`, an array of three flat arrays, which is read at a change.

local a = cmsgpack.unpack(ARGV[1])
local worker, now, lease, asks, purses, session, run = a[1], a[2], a[3], a[4], a[5], a[6], a[7]
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local get = redis.call
local window_r, window_t, cost_r, limit, epoch, memory = {}, {}, {}, {}, {}, {}
local tat_r, tat_t, mine, others, rest, changed = {}, {}, {}, {}, {}, {}
local subjects = purses == 0 and #KEYS or #KEYS - purses - 2
local at = 7

for i = 1, subjects do
  local w_r, w_t, correction, leases = a[at + 1], a[at + 2], a[at + 7], a[at + 8]
  window_r[i], window_t[i], cost_r[i], limit[i], memory[i] = w_r, w_t, a[at + 3], a[at + 4], a[at + 6]
  local r, t, e, own, foreign, kept = 0, 0, 0, 0, 0, {}
  local stored = get('GET', KEYS[i])
  if stored then
    local v = cmsgpack.unpack(stored)
    r, t, e = v[1], v[2], v[3]
    for j = 4, #v, 3 do
      if v[j + 2] > now then
        if v[j] == worker then
          own = v[j + 1]
        else
          foreign = foreign + v[j + 1]
          local k = #kept
          kept[k + 1], kept[k + 2], kept[k + 3] = v[j], v[j + 1], v[j + 2]
        end
      end
    end
  end
  -- A clock that jumped back, or a lowered limit, leaves an empty bucket and no more.
  if r < now then r = now elseif r > now + w_r then r = now + w_r end
  if t < now then t = now elseif t > now + w_t then t = now + w_t end
  if correction ~= 0 then
    t = t + correction
    if t < now then t = now elseif t > now + w_t then t = now + w_t end
    changed[i] = true
  end
  if leases ~= 0 then
    if leases < 0 then own = -leases - 1 else own = own - leases end
    if own < 0 then own = 0 end
    changed[i] = true
  end
  if a[at + 5] > e then
    e = a[at + 5]
    changed[i] = true
  end
  tat_r[i], tat_t[i], epoch[i], mine[i], others[i], rest[i] = r, t, e, own, foreign, kept
  at = at + 8
end

-- What stops a debit of n requests and `cost` of tokens at subject i: code and wait, or nothing.
local function obstacle(i, cost, n)
  local most = limit[i]
  if most > 0 and mine[i] + others[i] + n > most then return 3, 0 end
  local wait, code = 0, nil
  if window_r[i] > 0 then
    wait = tat_r[i] + cost_r[i] * n - now - window_r[i]
    if wait > 0 then code = 1 else wait = 0 end
  end
  if window_t[i] > 0 then
    if cost > window_t[i] then return 2, 0 end
    local wait_t = tat_t[i] + cost - now - window_t[i]
    if wait_t > wait then code, wait = 2, wait_t end
  end
  return code, wait
end

local function take(i, cost, n)
  if window_r[i] > 0 then tat_r[i] = tat_r[i] + cost_r[i] * n end
  if window_t[i] > 0 then tat_t[i] = tat_t[i] + cost end
  if limit[i] > 0 then mine[i] = mine[i] + n end
  changed[i] = true
end

-- Purses: what each worker owes the ledger, and what is free. Batches without purses pay nothing for it.
local hold, tell, holds_at
local function count_money()
  local purse, entry, owed, ready, report, moved, wanted, quotas = {}, {}, {}, {}, {}, {}, {}, {}
  local at = at + 6 * asks

  for i = 1, purses do
    local spent, released, generation = a[at + 1], a[at + 2], a[at + 3]
    local key = KEYS[subjects + i]
    local stored = get('GET', key)
    local v = stored and cmsgpack.unpack(stored)
    if v and v[2] >= 0 and run ~= v[4] and run ~= 0 and v[4] ~= 0 then
      get('DEL', key)
      v = nil
    end
    local own, silent, sum = nil, 0, 0
    if v and v[2] >= 0 then
      for j = 14, #v, 7 do
        if v[j] == worker then
          own = j
        elseif v[j + 2] == 0 then
          silent = silent + 1
        else
          -- Drained may run ahead of spent, while the last report is on its way: what is held covers that.
          if v[j + 3] > v[j + 4] then sum = sum + v[j + 3] - v[j + 4] end
          if v[j + 6] > now then sum = sum + v[j + 5] end
        end
      end
    end
    report[i] = -1
    if generation > 0 then get('HDEL', KEYS[#KEYS], string.sub(key, 6, -8)) end
    -- An older connection's batch comes too late to say anything.
    if own and session >= v[own + 1] then
      local state, whole = v[own + 2], released < 0
      if state ~= 1 and (not whole or generation ~= v[1]) then
        report[i] = v[1]
      else
        if state ~= 1 then
          v[own + 2], v[own + 3] = 1, spent
          if silent == 0 then get('PUBLISH', 'fgw:purses:news', string.sub(key, 6, -8) .. ' 0') end
          moved[i] = true
        end
        if spent > v[own + 3] then
          v[own + 3] = spent
          moved[i] = true
        end
        if released ~= 0 then
          local held = whole and -released - 1 or v[own + 5] - released
          v[own + 5] = held > 0 and held or 0
          moved[i] = true
        end
        v[own + 1] = session
        if v[own + 3] > v[own + 4] then sum = sum + v[own + 3] - v[own + 4] end
        sum = sum + v[own + 5]
        report[i] = 0
      end
    end
    purse[i], entry[i], owed[i], quotas[i] = v, own, sum, at + 3
    ready[i] = report[i] == 0 and silent == 0
    -- What nobody has told yet the worker learns from its answer; for all else it takes the keeper.
    wanted[i] = report[i] == -1 or silent > 0
    at = at + 8
  end

  -- What was spent within window w of purse i; nothing when the list of what leaves it is lost.
  local function within(i, w)
    local v = purse[i]
    if v[9 + 2 * w] == 0 or v[9 + 2 * w] * 1000000 > now then return v[8 + 2 * w] end
    local stored = get('GET', KEYS[subjects + i] .. ':leaving')
    if not stored then return nil end
    local leaving, sum, change = cmsgpack.unpack(stored)[w + 1], 0, 0
    for j = 1, #leaving, 2 do
      if leaving[j] * 1000000 > now then
        sum = sum + leaving[j + 1]
        if change == 0 or leaving[j] < change then change = leaving[j] end
      end
    end
    v[8 + 2 * w], v[9 + 2 * w] = sum, change
    moved[i] = true
    return sum
  end

  -- The narrowest limit of purse i before what is owed, and its code; nothing when the purse has to be made anew.
  local free, narrow = {}, {}
  local function measure(i)
    local v, q = purse[i], quotas[i]
    if a[q + 1] < 0 then
      free[i], narrow[i] = v[5], 8
      return true
    end
    local least, code = 9007199254740991, 9
    if a[q + 1] > 0 then least = a[q + 1] - v[5] end
    for w = 0, 2 do
      local most = a[q + 2 + w]
      if most > 0 then
        local spent = within(i, w)
        if not spent then return false end
        if most - spent < least then least, code = most - spent, 10 + w end
      end
    end
    if a[q + 5] > 0 then
      local spent = v[6] * 1000000 > now and v[7] or 0
      if a[q + 5] - spent < least then least, code = a[q + 5] - spent, 13 end
    end
    free[i], narrow[i] = least, code
    return true
  end

  -- Whether purse i can be asked; if not, the keeper hears of it at once.
  local function open(i)
    if ready[i] and not free[i] and not measure(i) then ready[i], wanted[i] = false, true end
    if ready[i] then return true end
    if wanted[i] then
      local name = string.sub(KEYS[subjects + i], 6, -8)
      if get('SADD', KEYS[#KEYS - 1], name) == 1 then get('PUBLISH', KEYS[#KEYS - 1], name) end
      wanted[i] = false
    end
    return false
  end

  -- Holds at the purses of one ask, all or none: code and amount.
  hold = function(account, key, want, least)
    local opened = account == 0 or open(account)
    if key > 0 and not open(key) or not opened then return 14, 0 end
    local room, code = 9007199254740991, 8
    if account > 0 then room = free[account] - owed[account] end
    if key > 0 and free[key] - owed[key] < room then room, code = free[key] - owed[key], narrow[key] end
    if room < least then return code, room > 0 and room or 0 end
    if room > want then room = want end
    for _, i in ipairs({account, key}) do
      if i > 0 and room > 0 then
        owed[i] = owed[i] + room
        purse[i][entry[i] + 5] = purse[i][entry[i] + 5] + room
        moved[i] = true
      end
    end
    return 0, room
  end

  holds_at = at
  tell = function(answer, last)
    for i = 1, purses do
      local v = purse[i]
      answer[last + i] = report[i]
      if moved[i] then
        -- A worker of which nothing is heard for a day holds nothing any more.
        if report[i] == 0 then v[entry[i] + 6] = now + 86400000000 end
        get('SET', KEYS[subjects + i], cmsgpack.pack(v), 'PX', 604800000)
      end
    end
  end
end
if purses > 0 then count_money() end

local answer, amounts = {now}, {}
for n = 1, asks do
  local key, address, cost_key, cost_address = a[at + 1], a[at + 2], a[at + 3], a[at + 4]
  local requests = a[at + 6]
  local pays = hold and a[holds_at + 1] == n
  local verdict, amount = 0, 0
  if a[at + 5] < epoch[key] then
    verdict = 7
  else
    local code, wait = obstacle(key, cost_key, requests)
    if not code and address > 0 then
      code, wait = obstacle(address, cost_address, requests)
      if code then code = code + 3 end
    end
    if code then
      verdict = wait * 16 + code
    elseif pays then
      verdict, amount = hold(a[holds_at + 2], a[holds_at + 3], a[holds_at + 4], a[holds_at + 5])
    end
    if verdict == 0 then
      take(key, cost_key, requests)
      if address > 0 then take(address, cost_address, requests) end
    end
  end
  answer[1 + 2 * subjects + n] = verdict
  if pays then
    amounts[#amounts + 1] = amount
    holds_at = holds_at + 5
  end
  at = at + 6
end

if purses > 0 then
  local last = 1 + 2 * subjects + asks
  tell(answer, last)
  for n = 1, #amounts do answer[last + purses + n] = amounts[n] end
end

for i = 1, subjects do
  local r, t = tat_r[i], tat_t[i]
  answer[2 * i], answer[2 * i + 1] = r, t
  if changed[i] then
    local v, ttl = rest[i], memory[i]
    local n = #v
    local record = {r, t, epoch[i]}
    for j = 1, n do record[3 + j] = v[j] end
    if mine[i] > 0 then
      record[4 + n], record[5 + n], record[6 + n] = worker, mine[i], now + lease
    end
    if #record > 3 and ttl < lease then ttl = lease end
    if r - now > ttl then ttl = r - now end
    if t - now > ttl then ttl = t - now end
    redis.call('SET', KEYS[i], cmsgpack.pack(record), 'PX', math.floor(ttl / 1000) + 1)
  end
end
return cmsgpack.pack(answer)
