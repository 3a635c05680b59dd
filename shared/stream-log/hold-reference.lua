#!lua flags=allow-oom
--[[
  Holds one open subscription of a body record for a KMS key: a reference joins the held stream, the record says so, and
  the reference in the backlog is gone: all or nothing. Nothing when the subscription is closed, or held already.
  In Lua because a message must be referred to from one place at any time: from none it is lost, from two it comes twice.
  KEYS[1] lease  KEYS[2] body record  KEYS[3] held stream  KEYS[4] set of held keys
  KEYS[5] set of subscriptions with a backlog  KEYS[6] backlog stream
  ARGV[1] token  ARGV[2] key ARN  ARGV[3] message id  ARGV[4] subscription id  ARGV[5] accepted at, epoch ms
  ARGV[6] backlog id, or empty for one in the retry schedule
  Returns {how many are held by now, how many references are left in the backlog}; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
for key, type in pairs({[KEYS[3]] = 'stream', [KEYS[4]] = 'set'}) do
  local found = redis.call('TYPE', key).ok
  if found ~= type and found ~= 'none' then
    redis.call('UNLINK', key)
  end
end
local state = redis.call('HGET', KEYS[2], 's:' .. ARGV[4])
if state and string.sub(state, 1, 1) ~= 'h' then
  redis.call('XADD', KEYS[3], '*', 'm', ARGV[3], 's', ARGV[4], 'at', ARGV[5])
  redis.call('SADD', KEYS[4], ARGV[2])
  redis.call('HSET', KEYS[2], 's:' .. ARGV[4], 'h' .. state)
end
local left = redis.pcall('XLEN', KEYS[6])
if type(left) == 'table' then
  left = 0
elseif ARGV[6] ~= '' then
  left = left - redis.call('XDEL', KEYS[6], ARGV[6])
end
if left == 0 then
  redis.call('UNLINK', KEYS[6])
  redis.pcall('SREM', KEYS[5], ARGV[4])
end
return {redis.call('XLEN', KEYS[3]), left}
