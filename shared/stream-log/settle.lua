#!lua flags=allow-oom
--[[
  Acknowledges entries and deletes them: both or neither, so that what is acknowledged takes no memory
  and what is deleted does not stay pending.
  KEYS[1] lease  KEYS[2] stream
  ARGV[1] token  ARGV[2] group  ARGV[3…] ids
  Returns how many were deleted; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
redis.call('XACK', KEYS[2], ARGV[2], unpack(ARGV, 3))
return redis.call('XDEL', KEYS[2], unpack(ARGV, 3))
