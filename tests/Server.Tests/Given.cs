using Purser.Server.Platform;

namespace Purser.Server.Tests;

/// <summary>Ordinary things. A test says with <c>with</c> what is not ordinary about its own.</summary>
static class Given
{
    public const string AdminKey = "an-admin-key-for-tests";

    /// <summary>A development server on a port of the system's choice.</summary>
    public static readonly Settings Settings = Settings.Read(
        new Dictionary<string, string>
        {
            ["PURSER_HOME"] = Checkout.Root,
            ["PURSER_PORT"] = "0",
            ["PURSER_ADMIN_KEY"] = AdminKey,
            ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "",
        },
        Purpose.Up);
}
