-- Writes what the ledger knows of one purse into its record at the gate (see admit.lua for the record).
--
-- KEYS[1]  the record, KEYS[2] when which amount leaves a window
-- ARGV[1]  MessagePack, one flat array: create (0 or 1), token, version, version of journals, run of the server, then the nine figures of the
--          record from the balance on, then worker and drained for each journal that is not finished
-- ARGV[2]  content of KEYS[2], empty for an account
-- ARGV[3]  a random number for a place that has to be kept
-- Answer   0 written and complete; 1 written, but a worker is silent; 2 older than what is there; 3 no record is there;
--          with `create` and no record a number from 16 on: the token to publish with next time, from a later reading
--
-- A record that was lost is made only from figures that were read after its loss was known: they come with the token of
-- the place that was kept for it. Figures from before could lack a worker that registered, and spent, in between.

local a = cmsgpack.unpack(ARGV[1])
local token, version, journals = a[2], a[3], a[4]
local name = string.sub(KEYS[1], 6, -8)
local stored = redis.call('GET', KEYS[1])
local v = stored and cmsgpack.unpack(stored)
local new = not v or v[2] < 0

if new then
  if a[1] == 0 then return 3 end
  if not v or v[1] ~= token then
    if not v then
      v = {tonumber(ARGV[3]), -1}
      redis.call('SET', KEYS[1], cmsgpack.pack(v), 'PX', 60000)
    end
    return v[1]
  end
elseif version < v[2] or journals < v[3] then
  return 2
end

local known, before, after, changed = {}, 0, 0, new
if not new then
  for j = 14, #v, 7 do
    known[v[j]] = j
    if v[j + 2] == 0 then before = before + 1 end
  end
end
local record = {v[1], version, journals, new and a[5] or v[4]}
for j = 6, 14 do record[j - 1] = a[j] end

for j = 15, #a, 2 do
  local worker, drained, at = a[j], a[j + 1], known[a[j]]
  local n = #record
  local state = new and 0 or 2
  if at then
    state = v[at + 2]
    record[n + 1], record[n + 2], record[n + 3], record[n + 4] = worker, v[at + 1], state, v[at + 3]
    record[n + 5], record[n + 6], record[n + 7] = drained, v[at + 5], v[at + 6]
  else
    changed = true
    record[n + 1], record[n + 2], record[n + 3], record[n + 4] = worker, 0, state, 0
    record[n + 5], record[n + 6], record[n + 7] = drained, 0, 0
  end
  if state == 0 then after = after + 1 end
  -- A new worker tells when it asks; one that spent before and was left out meanwhile has to tell by itself.
  if state == 0 or state == 2 and drained > 0 then
    local hash = 'fgw:purses:silent:' .. string.format('%.0f', worker)
    redis.call('HSET', hash, name, string.format('%.0f', v[1]))
    redis.call('PEXPIRE', hash, 86400000)
  end
end

if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', 691200000) end
if new then
  redis.call('SET', KEYS[1], cmsgpack.pack(record), 'PX', 604800000)
else
  redis.call('SET', KEYS[1], cmsgpack.pack(record), 'KEEPTTL')
end
if after > 0 then
  redis.call('PUBLISH', 'fgw:purses:news', name .. ' ' .. string.format('%.0f', v[1]))
elseif changed or before > 0 then
  redis.call('PUBLISH', 'fgw:purses:news', name .. ' 0')
end
return after > 0 and 1 or 0
