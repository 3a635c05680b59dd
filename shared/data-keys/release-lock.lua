--[[
  Releases the lock of a pair if it is still the caller's.
  In Lua because between GET and DEL the lock may run out and be taken by another gateway.
  KEYS[1] lock  ARGV[1] token
  Returns 1 when released, 0 when the lock is another's or gone.
]]
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
