-- Decides a batch of admissions and applies a batch of settlements, atomically.
--
-- KEYS[i]  one record for each key or client address that the batch touches ("subject")
-- ARGV[1]  MessagePack, one flat array of integers below 2^53; times in microseconds:
--          worker, now (0: the server's clock), lease, asks,
--          for each subject: window_r, window_t, cost_r, concurrency, epoch, memory, correction_t, leases
--          for each ask:     key, address (indices into KEYS, 0: none), cost_t of the key, cost_t of the address, epoch,
--                            requests that it stands for (1, or more when a worker takes some ahead)
-- Answer   MessagePack, one flat array: now, tat_r and tat_t of each subject, then one number for each ask:
--          0 granted, else wait * 8 + code (1-3 the key's requests, tokens, concurrency; 4-6 the address's; 7 stale)
--
-- A record is a MessagePack array: tat_r, tat_t, epoch, then worker, count, until for each worker that holds leases.
-- A window of 0 means that there is no such limit. `leases` >= 0 are given back; below 0 it sets the worker's own count
-- to -leases - 1 (the heartbeat). The arithmetic is that of fastgw/bucket.py, which divides so that this need not.

local a = cmsgpack.unpack(ARGV[1])
local worker, now, lease, asks = a[1], a[2], a[3], a[4]
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local get = redis.call
local window_r, window_t, cost_r, limit, epoch, memory = {}, {}, {}, {}, {}, {}
local tat_r, tat_t, mine, others, rest, changed = {}, {}, {}, {}, {}, {}
local subjects = #KEYS
local at = 4

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

local answer = {now}
for n = 1, asks do
  local key, address, cost_key, cost_address = a[at + 1], a[at + 2], a[at + 3], a[at + 4]
  local requests = a[at + 6]
  local verdict = 0
  if a[at + 5] < epoch[key] then
    verdict = 7
  else
    local code, wait = obstacle(key, cost_key, requests)
    if not code and address > 0 then
      code, wait = obstacle(address, cost_address, requests)
      if code then code = code + 3 end
    end
    if code then
      verdict = wait * 8 + code
    else
      take(key, cost_key, requests)
      if address > 0 then take(address, cost_address, requests) end
    end
  end
  answer[1 + 2 * subjects + n] = verdict
  at = at + 6
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
