--[[
  Stores a pair's new data-key record and releases the lock under which the key was generated: both or neither.
  In Lua because a gateway that was paused past its lock must not replace the key that another has
  stored, or is about to store, meanwhile; and because the record's life is counted by this server's clock
  from the moment the lock was taken, which was before the key was asked for: clocks of gateways may differ.
  KEYS[1] record  KEYS[2] lock
  ARGV[1] token of the lock  ARGV[2] record  ARGV[3] life of a key in ms  ARGV[4] life in ms that the lock was taken with
  Returns what is left of the record's life in ms when stored; 0 when the lock is no longer the caller's, or nothing is left of the key's life.
]]
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
local held = tonumber(ARGV[4]) - redis.call('PTTL', KEYS[2])
redis.call('DEL', KEYS[2])
local life = tonumber(ARGV[3]) - held
if life < 1 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', life)
return life
