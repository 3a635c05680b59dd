#!lua flags=allow-oom
--[[
  Moves an entry to the quarantine stream: appended there and gone here, or neither.
  The fields are copied inside Redis as they lie there, doubled names included: they are evidence. Of an
  entry longer than any of ours the beginning of each field has to do.
  KEYS[1] lease  KEYS[2] stream, of the partition or of held messages  KEYS[3] quarantine stream
  ARGV[1] token  ARGV[2] group  ARGV[3] entry id  ARGV[4] reason  ARGV[5] longest entry in bytes
  Returns 1, or 0 when the entry was gone already; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local entry = redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3])[1]
if entry then
  local fields = entry[2]
  local bytes = 0
  for _, part in ipairs(fields) do
    bytes = bytes + #part + 16
  end
  local kept = bytes > tonumber(ARGV[5]) and 255 or -1
  for at = 1, #fields, 2 do
    fields[at] = 'e:' .. string.sub(fields[at], 1, kept)
    fields[at + 1] = string.sub(fields[at + 1], 1, kept)
  end
  -- A forged entry may have more fields than Lua can unpack; what exceeds that is cut rather than undeliverable for ever.
  redis.call('XADD', KEYS[3], '*', 'id', ARGV[3], 'reason', ARGV[4], unpack(fields, 1, math.min(#fields, 4000)))
end
redis.call('XACK', KEYS[2], ARGV[2], ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
return entry and 1 or 0
