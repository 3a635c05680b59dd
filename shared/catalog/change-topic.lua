--[[
  Replaces a topic's record if it is still the one that the change was computed from.
  Compares the record's MAC, not the version: changes of subscriptions move the version and do not
  concern the record.
  KEYS[1] topic
  ARGV[1] MAC expected  ARGV[2] record  ARGV[3] MAC  ARGV[4] version
  Returns 1, or 0 when the record is another or gone
]]
if redis.call('HGET', KEYS[1], 'mac') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'mac', ARGV[3], 'version', ARGV[4])
return 1
