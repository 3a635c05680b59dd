#!lua flags=allow-oom
--[[
  Takes a reference out of its backlog and, if told so, closes its subscription on the body record.
  In Lua so that a message neither stays open without a reference nor the other way round; and so that the
  set names every backlog that is there and none that is not.
  KEYS[1] lease  KEYS[2] body record  KEYS[3] set of subscriptions with a backlog  KEYS[4] backlog stream
  ARGV[1] token  ARGV[2] subscription id  ARGV[3] backlog id, or empty when it is not known  ARGV[4] 1 to close
  Returns how many references are left; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
if ARGV[4] == '1' and redis.call('HDEL', KEYS[2], 's:' .. ARGV[2]) == 1 then
  if redis.call('HINCRBY', KEYS[2], 'open', -1) <= 0 then
    redis.call('DEL', KEYS[2])
  end
end
-- A stream that somebody took away or replaced holds nothing of ours any more.
local left = redis.pcall('XLEN', KEYS[4])
if type(left) == 'table' then
  left = 0
elseif ARGV[3] ~= '' then
  left = left - redis.call('XDEL', KEYS[4], ARGV[3])
end
if left == 0 then
  redis.call('UNLINK', KEYS[4])
  redis.pcall('SREM', KEYS[3], ARGV[2])
end
return left
