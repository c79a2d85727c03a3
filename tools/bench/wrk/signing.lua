-- HMAC-SHA256 in hex, by the libcrypto that wrk is linked with. The key is set up once for each secret and kept.

local ffi = require "ffi"

ffi.cdef [[
  typedef struct evp_md_st EVP_MD;
  typedef struct hmac_ctx_st HMAC_CTX;
  const EVP_MD *EVP_sha256(void);
  HMAC_CTX *HMAC_CTX_new(void);
  int HMAC_Init_ex(HMAC_CTX *ctx, const void *key, int len, const EVP_MD *md, void *engine);
  int HMAC_Update(HMAC_CTX *ctx, const char *data, size_t len);
  int HMAC_Final(HMAC_CTX *ctx, unsigned char *md, unsigned int *len);
]]

local function libcrypto()
  for _, name in ipairs { "libcrypto.so.3", "libcrypto.so.1.1", "crypto" } do
    local found, library = pcall(ffi.load, name)
    if found then return library end
  end
  error("no libcrypto: wrk's own is not found")
end

local crypto = libcrypto()
local keys = {}
local digest = ffi.new("unsigned char[32]")
local length = ffi.new("unsigned int[1]")
local hex = ffi.new("char[64]")
local digits = ffi.new("char[16]", "0123456789abcdef")

local function context(secret)
  local ctx = crypto.HMAC_CTX_new()
  assert(ctx ~= nil and crypto.HMAC_Init_ex(ctx, secret, #secret, crypto.EVP_sha256(), nil) == 1)
  keys[secret] = ctx
  return ctx
end

local M = {}

-- The signature of `head` followed by `body`, as 64 lower-case digits.
function M.sign(secret, head, body)
  local ctx = keys[secret]
  if ctx then crypto.HMAC_Init_ex(ctx, nil, 0, nil, nil) else ctx = context(secret) end
  crypto.HMAC_Update(ctx, head, #head)
  crypto.HMAC_Update(ctx, body, #body)
  crypto.HMAC_Final(ctx, digest, length)
  for i = 0, 31 do
    local byte = digest[i]
    hex[2 * i] = digits[bit.rshift(byte, 4)]
    hex[2 * i + 1] = digits[bit.band(byte, 15)]
  end
  return ffi.string(hex, 64)
end

return M
