namespace Purser.Server.Platform;

/// <summary>A file that holds one secret and is its owner's alone from the moment it exists.</summary>
static class SecretFile
{
    public static string ReadOrCreate(string path, Func<string> create)
    {
        try
        {
            if (!File.Exists(path))
            {
                // Written beside and moved into place, so that a crash or a second process never leaves half a secret.
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var draft = $"{path}.{Environment.ProcessId}";
                Write(draft, create());
                try { File.Move(draft, path, overwrite: false); }
                catch (IOException) when (File.Exists(path)) { File.Delete(draft); }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"Cannot write {path}: {fault.Message}");
        }

        return Read(path);
    }

    public static string Read(string path)
    {
        try
        {
            var secret = File.ReadAllText(path).Trim();
            return secret.Length >= 16
                ? secret
                : throw new StartFailure($"{path} holds no secret: restore it from a backup.");
        }
        catch (FileNotFoundException)
        {
            throw new StartFailure($"{path} is missing: restore it from a backup.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"Cannot read {path}: {fault.Message}");
        }
    }

    public static void Write(string path, string secret)
    {
        File.Delete(path);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(file);
        writer.Write(secret);
    }
}
