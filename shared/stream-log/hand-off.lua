#!lua flags=allow-oom
--[[
  Writes the body record of a message, opens subscriptions on it, and lines up those that wait in the backlog
  of their subscription: all or nothing. Done again, it changes nothing but reopening those that were
  settled in between.
  In Lua because the count of open subscriptions must agree with the fields, a reference in a backlog must
  have its body, and the fence needs it.
  KEYS[1] lease  KEYS[2] body record  KEYS[3] set of subscriptions with a backlog
  KEYS[4…] backlog streams of those that wait, in order
  ARGV[1] token  ARGV[2] message id  ARGV[3] number of subscriptions
  ARGV[4…] subscription id, state, … where the state is the number of attempts made, after a `w` for those that wait;
  then field, value, …
  Returns {1 when something foreign was in the way and is gone now, {the backlog ids of those that wait, in order,
  empty where it was open already}}; nil when the lease is lost
]]
--[[ A key of another type, or a stream whose last id leaves no room, was left by nobody of ours: it must not stop the partition. ]]
local foreign = 0
local function insist(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    local key = select(2, ...)
    redis.call('UNLINK', key)
    foreign = 1
    return redis.call(...)
  end
  return reply
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local opened = 0
local waiting = {}
local last = 3 + 2 * tonumber(ARGV[3])
for at = 4, last, 2 do
  local isNew = redis.call('HSETNX', KEYS[2], 's:' .. ARGV[at], ARGV[at + 1])
  opened = opened + isNew
  if string.sub(ARGV[at + 1], 1, 1) == 'w' then
    local id = ''
    if isNew == 1 then
      id = insist('XADD', KEYS[4 + #waiting], '*', 'm', ARGV[2])
      insist('SADD', KEYS[3], ARGV[at])
    end
    waiting[#waiting + 1] = id
  end
end
for at = last + 1, #ARGV, 2 do
  redis.call('HSET', KEYS[2], 'e:' .. ARGV[at], ARGV[at + 1])
end
redis.call('HINCRBY', KEYS[2], 'open', opened)
return {foreign, waiting}
