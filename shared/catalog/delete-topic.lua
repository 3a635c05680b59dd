--[[
  Deletes a topic with its subscriptions.
  KEYS[1] topic  KEYS[2] subscriptions
  Returns 1, or 0 when there was no topic
]]
redis.call('UNLINK', KEYS[2])
return redis.call('DEL', KEYS[1])
