-- A token bucket that paces, and a book of uses that lets no second hold more than the rate. Tokens are leased as slots: so many from a
-- moment on, to be used within `hold`; some of them lie a little ahead, so that one question serves for a while. The books run ahead
-- with them: `at` is the time up to which tokens are given away. A slot counts as used at its end, until its holder says better: when it
-- was used in truth (later, when the request was late on its way), or that some of it was not.
-- KEYS: pace (hash), uses (sorted set of id:n by the end of their use), one hash tag.
-- ARGV: now in microseconds or '' = the clock of this server, rate, n = in the first slot at least, want = in all at most,
--       hold in microseconds, alone = '1' when no other node takes tokens, grace in microseconds, ahead in microseconds,
--       then of slots of before: id, n, how many were used, end of their use in microseconds
-- Answers {1, now, offset, n, id, offset, n, id, ...}, {0, now, microseconds to wait},
--         {2, now, microseconds for which each node takes its share}
local WINDOW = 1000000
local HOUR = 3600000000
local STEP = 2000
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local rate, n, want, hold = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local alone, grace, ahead = ARGV[6] == '1', tonumber(ARGV[7]), tonumber(ARGV[8])
local function whole(x) return string.format('%.0f', x) end
local function count(member) return tonumber(string.match(member, ':(%d+)$')) end

local known = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'sum', 'open', 'kept', 'id')
local tokens, at, sum, open, kept, id
-- Books that end far ahead were kept by a clock that is gone: nobody can say what they mean now.
if known[2] and known[6] and tonumber(known[2]) <= now + WINDOW then
  tokens, at, sum, open, kept, id =
    tonumber(known[1]), tonumber(known[2]), tonumber(known[3]), tonumber(known[4]), tonumber(known[5]), tonumber(known[6])
else
  -- What was taken before this key was, nobody here can say (it may have been lost): shares until every node has come back,
  -- then one window of rest, as if the whole rate had just been taken.
  tokens, at, sum, open, kept, id = 0, now, 0, now, 0, now
  redis.call('DEL', KEYS[2])
  if not alone then
    open = now + grace
    sum = math.ceil(rate)
    redis.call('ZADD', KEYS[2], whole(open + hold), '0:' .. whole(sum))
  end
end

local holds = math.max(rate * 0.1, 2)
for i = 9, #ARGV - 3, 4 do
  local was, leased, used, over = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local member = was .. ':' .. whole(leased)
  local score = redis.call('ZSCORE', KEYS[2], member)
  -- What is over already is no matter any more.
  if score then
    if used < leased then
      redis.call('ZREM', KEYS[2], member)
      sum = sum - (leased - used)
      tokens = math.min(holds, tokens + leased - used)
      member = was .. ':' .. whole(used)
    end
    if used > 0 then redis.call('ZADD', KEYS[2], whole(over), member) end
  end
end

local answer
if now < open then
  answer = {2, now, math.ceil(open - now)}
else
  local v = math.max(now, at)
  local granted = 0
  while v <= now + ahead do
    -- A first slot far ahead would be a short lease: the question is worth more a little later.
    if granted == 0 and v > now + ahead / 2 and n < want then break end
    tokens = math.min(holds, tokens + (v - at) * rate / 1000000)
    at = v
    while true do
      local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
      if not first[1] then
        sum = 0
        break
      end
      if tonumber(first[2]) + WINDOW >= v then break end
      sum = sum - count(first[1])
      redis.call('ZREM', KEYS[2], first[1])
    end
    local need = granted == 0 and n or 1
    local wait = 0
    -- More than the bucket holds is taken on credit from a full one.
    local lacking = math.min(need, holds) - tokens
    if lacking > 0.000001 then wait = lacking * 1000000 / rate end
    -- More than the rate fits no window; it goes when the window is empty.
    local room = math.max(rate - need, 0)
    if sum > room then
      local left = sum
      local uses = redis.call('ZRANGE', KEYS[2], 0, 63, 'WITHSCORES')
      for i = 1, #uses, 2 do
        left = left - count(uses[i])
        wait = math.max(wait, tonumber(uses[i + 1]) + WINDOW + 1 - v)
        if left <= room then break end
      end
      -- All of it is promised for later than the book says: look again then.
      if wait == 0 then wait = STEP end
    end
    if wait == 0 then
      local got = math.max(need, math.min(want - granted, math.floor(tokens), math.floor(rate - sum)))
      tokens = tokens - got
      sum = sum + got
      granted = granted + got
      id = id + 1
      redis.call('ZADD', KEYS[2], whole(v + hold), whole(id) .. ':' .. whole(got))
      answer = answer or {1, now}
      answer[#answer + 1] = math.ceil(v - now)
      answer[#answer + 1] = got
      answer[#answer + 1] = id
      if granted >= want then break end
      v = v + STEP
    else
      v = math.ceil(v + math.max(wait, STEP))
    end
  end
  answer = answer or {0, now, math.max(math.ceil(v - now - ahead / 2), 1000)}
end

redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', whole(at), 'sum', whole(sum), 'open', whole(open),
  'id', whole(id))
if now - kept > HOUR then
  redis.call('HSET', KEYS[1], 'kept', whole(now))
  redis.call('PEXPIRE', KEYS[1], 172800000)
  redis.call('PEXPIRE', KEYS[2], 172800000)
end
return answer
