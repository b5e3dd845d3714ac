-- Takes names off the list of wanted purses, and keeps a place for each that has no record (see put_purse.lua).
--
-- KEYS[1]  the set of wanted purses
-- ARGV[1]  how many to take at most, ARGV[2] a random number for the places
-- Answer   names and tokens in turn; a token of 0: there is a record

local answer = {}
for _, name in ipairs(redis.call('SPOP', KEYS[1], ARGV[1])) do
  local key = 'fgw:{' .. name .. '}:purse'
  local stored = redis.call('GET', key)
  local v = stored and cmsgpack.unpack(stored)
  local token = 0
  if not v then
    token = tonumber(ARGV[2])
    redis.call('SET', key, cmsgpack.pack({token, -1}), 'PX', 60000)
  elseif v[2] < 0 then
    token = v[1]
  end
  answer[#answer + 1] = name
  answer[#answer + 1] = string.format('%.0f', token)
end
return answer
