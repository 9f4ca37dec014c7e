-- Sends the requests of a file, which NUL bytes separate, one after the other, and says what came of it.
local requests, at = {}, 0

function init(args)
    local file = assert(io.open(args[1], "rb"))
    for one in file:read("*a"):gmatch("[^%z]+") do
        requests[#requests + 1] = one
    end
    file:close()
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local percentiles = { latency:percentile(50), latency:percentile(90), latency:percentile(99) }
    io.write(string.format("\nload calls=%d us=%d p50=%d p90=%d p99=%d failed=%d\n",
        summary.requests, summary.duration, percentiles[1], percentiles[2], percentiles[3], failed))
end
