--[[
  Replaces the record of a rewrapped data key by another, or removes it, if it is still as it was read.
  In Lua because somebody else may be retiring another KMS key: of two who began with the same record, the second must
  begin anew rather than put a key back that the first has done away with.
  KEYS[1] record
  ARGV[1] as it was read, empty for none  ARGV[2] the new one, empty to remove it
  Returns 1 when done, 0 when the record is another by now
]]
local stored = redis.pcall('GET', KEYS[1])
if type(stored) == 'table' then
  -- A key of another type was left by nobody of ours and counts as none.
  redis.call('UNLINK', KEYS[1])
  stored = false
end
if (stored or '') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return 1
