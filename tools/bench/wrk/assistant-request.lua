-- Calls for which the provider asks who is to speak.

local load = require "load"
local messages = require "messages"

local body = messages.assistant_request()

function next_message(n)
  local organization = n % load.organizations
  return body(messages.values(organization, n)), organization
end

load.run()
