#!lua flags=allow-oom
--[[
  Takes messages out of the held stream of a KMS key, and the key out of the set with the last one.
  In Lua so that the set names every held stream that is there and none that is not.
  KEYS[1] lease  KEYS[2] held stream  KEYS[3] set of held keys
  ARGV[1] token  ARGV[2] key ARN  ARGV[3…] held ids; none to tidy up only
  Returns how many are left; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local left = redis.pcall('XLEN', KEYS[2])
if type(left) == 'table' then
  left = 0
elseif #ARGV > 2 then
  left = left - redis.call('XDEL', KEYS[2], unpack(ARGV, 3))
end
if left == 0 then
  redis.call('UNLINK', KEYS[2])
  redis.pcall('SREM', KEYS[3], ARGV[2])
end
return left
