-- Gives a name back whose request has come to nothing: the next one with it runs anew.
--
-- KEYS[1] the answer of that name
-- ARGV    owner
-- Answer  1, or 0 when it is not this owner's, or kept already

local found = redis.call('HMGET', KEYS[1], 'state', 'owner')
if found[1] ~= 'running' or found[2] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
