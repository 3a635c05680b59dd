--[[
  Stores a pair's new data-key record and releases the lock under which the key was generated: both or neither.
  In Lua because a gateway that was paused past its lock must not replace the key that another has
  stored, or is about to store, meanwhile.
  KEYS[1] record  KEYS[2] lock
  ARGV[1] token of the lock  ARGV[2] record  ARGV[3] remaining life of the key in ms
  Returns 1 when stored; 0 when another gateway holds the lock, or has stored a record since the lock ran out.
]]
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
  return 0
end
if not holder and redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if holder then
  redis.call('DEL', KEYS[2])
end
return 1
