-- 100 KB reports, each of a call of its own.

local load = require "load"
local messages = require "messages"

local body = messages.report()

function next_message(n)
  local organization = n % load.organizations
  return body(messages.values(organization, n)), organization
end

load.run()
