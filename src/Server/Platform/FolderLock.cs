namespace Purser.Server.Platform;

/// <summary>
/// Says that one process looks after a data folder. The system lets go of it when that process ends, however it ends.
/// </summary>
sealed class FolderLock : IDisposable
{
    readonly FileStream file;

    FolderLock(FileStream file) => this.file = file;

    public static FolderLock Take(string dataFolder) => TryTake(dataFolder)
        ?? throw new StartFailure($"Purser already runs on {dataFolder}. "
            + "Stop it first, or choose another folder with PURSER_DATA.");

    /// <summary>Null where another process holds it.</summary>
    public static FolderLock? TryTake(string dataFolder)
    {
        var path = Path.Combine(dataFolder, "lock");
        try
        {
            Directory.CreateDirectory(dataFolder);
            return new(new(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                // Whoever can open it can hold it, and so keep us from starting.
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (IOException fault) when (fault.GetType() == typeof(IOException) && File.Exists(path) && IsHeld(fault))
        {
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"Cannot write to {dataFolder}: {fault.Message.TrimEnd('.')}. "
                + "Make it writable, or choose another folder with PURSER_DATA.");
        }
    }

    public void Dispose() => file.Dispose();

    // EAGAIN, as Linux and as macOS number it: what flock answers where somebody else was first.
    static bool IsHeld(IOException fault) => fault.HResult is 11 or 35;
}
