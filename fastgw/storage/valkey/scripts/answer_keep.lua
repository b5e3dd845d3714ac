-- Ends a request that has succeeded: its answer is kept, or only that there was one.
--
-- KEYS[1] the answer of its name, KEYS[2] what its API key has kept lately: a hash of `n<hour>` (answers that were kept
--         in that hour of Unix time) and `b<hour>` (their bytes)
-- ARGV    mark of the request, owner, answer (empty: too large to keep), seconds to keep it, bytes that one API key may
--         have kept at a time
-- Answer  'kept', 'unkept' when only the name was, 'lost' when it belongs to another request by now

local mark, owner, answer, keep_s = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = redis.call('HMGET', KEYS[1], 'state', 'owner')
if found[1] and found[2] ~= owner then return 'lost' end
if found[1] and found[1] ~= 'running' then return found[1] end

local hour = math.floor(tonumber(redis.call('TIME')[1]) / 3600)
local bytes = #answer
local tally = redis.call('HGETALL', KEYS[2])
for i = 1, #tally, 2 do
  if string.sub(tally[i], 1, 1) == 'b' and tonumber(string.sub(tally[i], 2)) >= hour - keep_s / 3600 then
    bytes = bytes + tonumber(tally[i + 1])
  end
end
if bytes > tonumber(ARGV[5]) then answer = '' end

local state = answer == '' and 'unkept' or 'kept'
redis.call('HSET', KEYS[1], 'state', state, 'mark', mark, 'owner', owner, 'answer', answer)
redis.call('EXPIRE', KEYS[1], keep_s)
redis.call('HINCRBY', KEYS[2], 'n' .. hour, 1)
redis.call('HINCRBY', KEYS[2], 'b' .. hour, #answer)
redis.call('EXPIRE', KEYS[2], keep_s + 7200)
return state
