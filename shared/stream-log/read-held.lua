#!lua flags=allow-oom
--[[
  Gives what waits for a KMS key, in the order in which it was held. Takes nothing.
  KEYS[1] lease  KEYS[2] held stream
  ARGV[1] token  ARGV[2] id after which to begin  ARGV[3] limit  ARGV[4] longest entry in bytes
  Returns entries; nil when the lease is lost
]]
--[[ Entries far longer than any of ours come without their fields: one reply of them could be more than a worker can hold. ]]
local function withoutOversize(entries)
  for _, entry in ipairs(entries) do
    local bytes = 0
    for _, part in ipairs(entry[2]) do
      bytes = bytes + #part + 16
    end
    if bytes > tonumber(ARGV[4]) then
      entry[2] = {}
    end
  end
  return entries
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
-- A key of another type, put there by nobody of ours, holds nothing.
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then
  return {}
end
return withoutOversize(redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', ARGV[3]))
