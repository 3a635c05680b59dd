#!lua flags=allow-oom
--[[
  Gives a lease back, unless it is somebody else's by now.
  KEYS[1] lease
  ARGV[1] token
  Returns 1, or nil when the lease was lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
return redis.call('DEL', KEYS[1])
