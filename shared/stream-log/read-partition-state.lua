#!lua flags=no-writes
--[[
  What a partition holds now, for whoever watches: no lease is needed or touched.
  In Lua so that the age of the oldest entry comes by this server's clock, by which entries are numbered, and without
  the entry's body. A pending entry is older than one that was never delivered, so mostly none is read at all.
  KEYS[1] stream  KEYS[2] lease  KEYS[3] quarantine
  ARGV[1] group  ARGV[2] longest lease in ms
  Returns {entries, pending ones, ms since the oldest was appended, 1 when the lease is held, entries in quarantine}
]]
local entries = redis.call('XLEN', KEYS[1])
local pending = 0
local oldest = nil
if entries > 0 then
  -- The group is made with the first lease: before it, nothing is pending.
  local summary = redis.pcall('XPENDING', KEYS[1], ARGV[1])
  if not summary.err and summary[1] > 0 then
    pending = summary[1]
    oldest = summary[2]
  else
    oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  end
end
local age = 0
if oldest then
  local now = redis.call('TIME')
  local appended = tonumber(string.match(oldest, '^%d+'))
  age = math.max(0, math.floor(now[1] * 1000 + now[2] / 1000) - appended)
end
local life = redis.call('PTTL', KEYS[2])
local leased = life >= 0 and life <= tonumber(ARGV[2])
return {entries, pending, age, leased and 1 or 0, redis.call('XLEN', KEYS[3])}
