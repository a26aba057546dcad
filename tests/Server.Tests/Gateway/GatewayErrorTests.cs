using Microsoft.AspNetCore.Http;
using Purser.Server.Gateway;

namespace Purser.Server.Tests.Gateway;

public sealed class GatewayErrorTests
{
    [Theory]
    [InlineData(402, "insufficient_credits", "false")]
    [InlineData(503, "provider_not_configured", "false")]
    [InlineData(503, "provider_out_of_credit", "false")]
    [InlineData(503, "overloaded", "")]
    [InlineData(429, "rate_limit_exceeded", "")]
    public void SDKs_are_told_not_to_try_again_what_only_a_person_can_change(int status, string code, string shouldRetry)
    {
        var http = new DefaultHttpContext();

        new GatewayError(status, code, "It is so.").SetHeaders(http.Response);

        Assert.Equal(shouldRetry, http.Response.Headers["x-should-retry"].ToString());
    }
}
