#!lua flags=no-writes
--[[
  Gives entries of a stream to somebody who holds no lease, and how far the stream went when that reading began.
  In Lua because entries far longer than any of ours come without their fields: one reply of them could be more than a
  process can hold.
  KEYS[1] stream
  ARGV[1] id after which to begin  ARGV[2] last id to give, or empty at the beginning  ARGV[3] limit
  ARGV[4] longest entry in bytes
  Returns {entries, packed, last id to give}; nil when the key holds no stream, or an empty one
]]
if redis.call('TYPE', KEYS[1]).ok ~= 'stream' then
  return false
end
local last = ARGV[2]
if last == '' then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if not newest then
    return false
  end
  last = newest[1]
end
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], last, 'COUNT', ARGV[3])
for _, entry in ipairs(entries) do
  local parts = entry[2]
  local bytes = 16 * #parts
  for at = 1, #parts do
    bytes = bytes + #parts[at]
  end
  if bytes > tonumber(ARGV[4]) then
    entry[2] = {}
  end
end
return {cmsgpack.pack(entries), last}
