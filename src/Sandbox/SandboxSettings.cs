namespace Purser.Sandbox;

/// <summary>What the sandbox is told from outside. Lifeline: end when standard input closes.</summary>
sealed record SandboxSettings(int Port, string DataFolder, bool Lifeline)
{
    public static SandboxSettings FromEnvironment()
    {
        var port = Environment.GetEnvironmentVariable("PURSER_SANDBOX_PORT");
        var data = Environment.GetEnvironmentVariable("PURSER_SANDBOX_DATA");
        return new(
            string.IsNullOrEmpty(port) ? 5081 : int.Parse(port, CultureInfo.InvariantCulture),
            string.IsNullOrEmpty(data) ? Path.Combine("data", "sandbox") : data,
            Environment.GetEnvironmentVariable("PURSER_SANDBOX_LIFELINE") == "1");
    }
}
