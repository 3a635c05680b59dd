#!lua flags=allow-oom
--[[
  Lets one held subscription of a body record go on where it was: the record says so no more, and one that waited for
  room is lined up in its backlog again. Its reference in the held stream stays, so that a crash before its job is due
  lets it be done again; done again, it changes nothing.
  KEYS[1] lease  KEYS[2] body record  KEYS[3] set of subscriptions with a backlog  KEYS[4] backlog stream
  ARGV[1] token  ARGV[2] message id  ARGV[3] subscription id  ARGV[4] now, epoch ms: from when on its age counts
  Returns {the state, empty when it is closed, id in the backlog when it joined it}; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local state = redis.call('HGET', KEYS[2], 's:' .. ARGV[3])
if not state then
  return {'', ''}
end
if string.sub(state, 1, 1) ~= 'h' then
  return {state, ''}
end
state = string.match(state, '^h(w?%d+)') or '0'
if string.sub(state, 1, 1) ~= 'w' then
  state = state .. '@' .. ARGV[4]
end
redis.call('HSET', KEYS[2], 's:' .. ARGV[3], state)
local id = ''
if string.sub(state, 1, 1) == 'w' then
  for key, type in pairs({[KEYS[3]] = 'set', [KEYS[4]] = 'stream'}) do
    local found = redis.call('TYPE', key).ok
    if found ~= type and found ~= 'none' then
      redis.call('UNLINK', key)
    end
  end
  id = redis.call('XADD', KEYS[4], '*', 'm', ARGV[2])
  redis.call('SADD', KEYS[3], ARGV[3])
end
return {state, id}
