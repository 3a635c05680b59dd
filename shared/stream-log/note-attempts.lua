#!lua flags=allow-oom
--[[
  Notes on a body record that a subscription left its backlog for the retry schedule, after so many attempts.
  Before the job is written: whoever finds the reference in the backlog later knows that it needs the job, not
  another attempt. Nothing when the subscription is closed.
  KEYS[1] lease  KEYS[2] body record
  ARGV[1] token  ARGV[2] subscription id  ARGV[3] attempts made
  Returns 1, or 0 when it is closed; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
if redis.call('HEXISTS', KEYS[2], 's:' .. ARGV[2]) == 0 then
  return 0
end
redis.call('HSET', KEYS[2], 's:' .. ARGV[2], ARGV[3])
return 1
