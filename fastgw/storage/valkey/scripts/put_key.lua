-- Writes one key's record unless the store holds a newer one, and announces it.
--
-- KEYS[1] the record, KEYS[2] the version of all keys, KEYS[3] the key's record in the gate (see admit.lua)
-- ARGV    epoch, record (JSON), SHA-256 of the key, channel, milliseconds that the gate remembers an epoch
-- Answer  1 if something changed, else 0
--
-- A record is its epoch in decimal, a blank, and JSON: so that this script need not decode it.

local epoch = tonumber(ARGV[1])
local record = ARGV[1] .. ' ' .. ARGV[2]
local old = redis.call('GET', KEYS[1])
if old then
  if old == record or tonumber(string.match(old, '^%d+')) > epoch then return 0 end
end
redis.call('SET', KEYS[1], record)

local gate = redis.call('GET', KEYS[3])
local v = gate and cmsgpack.unpack(gate) or {0, 0, 0}
v[3] = epoch
local ttl = math.max(tonumber(ARGV[5]), redis.call('PTTL', KEYS[3]))
redis.call('SET', KEYS[3], cmsgpack.pack(v), 'PX', ttl)

local version = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', ARGV[4], version .. ' ' .. ARGV[3])
return 1
