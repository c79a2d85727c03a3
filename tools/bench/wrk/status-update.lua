-- 2 KB messages that have to be kept. Every call lives for five of them. The statuses of one call are a hundred
-- messages apart, further than the connections of a thread, as they are seconds apart in life.

local load = require "load"
local messages = require "messages"

local STATUSES = { "queued", "ringing", "in-progress", "forwarding", "ended" }
local APART = 100
local body = messages.status_update()

function next_message(n)
  local block, place = math.floor(n / (APART * #STATUSES)), n % (APART * #STATUSES)
  local call = block * APART + place % APART
  local status = STATUSES[math.floor(place / APART) + 1]
  local organization = load.first + call % (load.organizations - load.first)
  local values = messages.values(organization, call)
  values.STATUS = status
  values.REASON = status == "ended" and '"customer-ended-call"' or "null"
  return body(values), organization
end

load.run()
