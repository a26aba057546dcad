using System.Security.Cryptography;

namespace Purser.Server.Platform;

/// <summary>
/// The admin key nobody had to think of: made once, kept beside the data, readable by its owner alone.
/// </summary>
static class AdminKeyFile
{
    public static bool Exists(string dataFolder) => File.Exists(PathIn(dataFolder));

    public static string ReadOrCreate(string dataFolder) =>
        SecretFile.ReadOrCreate(
            PathIn(dataFolder), () => $"purser_admin_{RandomNumberGenerator.GetHexString(48, lowercase: true)}");

    static string PathIn(string dataFolder) => Path.Combine(dataFolder, "admin-key");
}
