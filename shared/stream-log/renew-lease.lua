#!lua flags=allow-oom
--[[
  Prolongs a lease that is still the caller's. An expired one is not revived, even if nobody took it:
  somebody may have taken and released it meanwhile.
  KEYS[1] lease
  ARGV[1] token  ARGV[2] lease in ms
  Returns 1, or nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
