using Purser.Sandbox;

return await SandboxServer.Run(SandboxSettings.FromEnvironment());
