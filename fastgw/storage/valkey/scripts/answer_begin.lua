-- Takes a name for one request, or says what is known under it.
--
-- KEYS[1] the answer of that name, KEYS[2] what its API key has kept lately (see answer_keep.lua)
-- ARGV    mark of the request, owner, milliseconds of the lease, seconds that answers are kept, names that one API key
--         may have at a time
-- Answer  empty: the name is taken for `owner`; else the state ('running', 'kept', 'unkept', 'other' for the name of
--         another request, 'full' when the API key has too many names) and, where it is 'kept', the answer

local mark, owner = ARGV[1], ARGV[2]
local found = redis.call('HMGET', KEYS[1], 'state', 'mark', 'owner')
if found[1] then
  if found[2] ~= mark then return {'other'} end
  if found[1] == 'kept' then return {'kept', redis.call('HGET', KEYS[1], 'answer')} end
  return {found[1]}
end

local oldest = math.floor(tonumber(redis.call('TIME')[1]) / 3600) - tonumber(ARGV[4]) / 3600
local names = 0
local tally = redis.call('HGETALL', KEYS[2])
for i = 1, #tally, 2 do
  local hour = tonumber(string.sub(tally[i], 2))
  if hour < oldest then
    redis.call('HDEL', KEYS[2], tally[i])
  elseif string.sub(tally[i], 1, 1) == 'n' then
    names = names + tonumber(tally[i + 1])
  end
end
if names >= tonumber(ARGV[5]) then return {'full'} end

redis.call('HSET', KEYS[1], 'state', 'running', 'mark', mark, 'owner', owner)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {}
