-- Renews the lease of a request that is still running, or takes its name anew if the store has lost it.
--
-- KEYS[1] the answer of its name
-- ARGV    mark of the request, owner, milliseconds of the lease
-- Answer  1, or 0 when the name belongs to another request by now

local found = redis.call('HMGET', KEYS[1], 'state', 'owner')
if found[1] and (found[2] ~= ARGV[2] or found[1] ~= 'running') then return 0 end
redis.call('HSET', KEYS[1], 'state', 'running', 'mark', ARGV[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
