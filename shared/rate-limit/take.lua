--[[
  Counts one delivery if the rate has room for it now (generic cell rate algorithm).
  In Lua because of several processes that ask at once exactly as many as there is room for may go, and by
  Redis's clock, since theirs differ.
  KEYS[1] when the next delivery is due, in µs
  ARGV[1] µs between two deliveries  ARGV[2] how many may go at once
  Returns 0 when it is counted, else µs to wait
]]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval = tonumber(ARGV[1])
local stored = redis.pcall('GET', KEYS[1])
local due = type(stored) == 'string' and tonumber(stored) or 0
-- Nobody of ours is further ahead than what may go at once: anything else would silence a subscription.
if due ~= due or due < now or due > now + interval * tonumber(ARGV[2]) then
  due = now
end
local wait = due + interval - now - interval * tonumber(ARGV[2])
if wait > 0 then
  return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.0f', due + interval), 'PX', math.ceil(interval * tonumber(ARGV[2]) / 1000) + 1000)
return 0
