--[[
  Deletes a topic with its subscriptions.
  KEYS[1] topic  KEYS[2] subscriptions  KEYS[3..6] their indexes
  Returns 1, or 0 when there was no topic
]]
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return redis.call('DEL', KEYS[1])
