using System.Diagnostics;

namespace Purser.Server.Platform;

/// <summary>What the operating system and the runtime say about this process, under the names that dashboards expect.</summary>
static class ProcessMetrics
{
    // Linux has the one, macOS the other, and both are the process's own.
    static readonly string? DescriptorFolder = new[] { "/proc/self/fd", "/dev/fd" }.FirstOrDefault(Directory.Exists);

    public static void AddProcess(this Metrics metrics)
    {
        metrics.Counter(
            "process_cpu_seconds_total", "Processor time used, in user and system mode.",
            () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge(
            "process_resident_memory_bytes", "Memory in RAM.", () => Environment.WorkingSet);
        metrics.Gauge(
            "process_virtual_memory_bytes", "Memory that has addresses, in RAM or not.",
            () => Ask(it => it.VirtualMemorySize64));
        metrics.Gauge("process_threads", "Threads of the operating system.", () => Ask(it => it.Threads.Count));

        var start = Ask(it => new DateTimeOffset(it.StartTime).ToUnixTimeMilliseconds() / 1000.0);
        metrics.Gauge("process_start_time_seconds", "Start of the process, in Unix time.", () => start);
        if (DescriptorFolder is { } folder)
        {
            metrics.Gauge(
                "process_open_fds", "Open file descriptors.",
                () => Directory.EnumerateFileSystemEntries(folder).Count());
        }
    }

    public static void AddRuntime(this Metrics metrics)
    {
        metrics.Gauge(
            "dotnet_gc_heap_bytes", "Memory of the managed heap that is in use.",
            () => GC.GetTotalMemory(forceFullCollection: false));
        metrics.Gauge(
            "dotnet_gc_committed_bytes", "Memory that the managed heap has taken, as of the last collection.",
            () => GC.GetGCMemoryInfo().TotalCommittedBytes);
        metrics.Counter(
            "dotnet_gc_allocated_bytes_total", "Memory allocated on the managed heap.", () => GC.GetTotalAllocatedBytes());
        metrics.Counter(
            "dotnet_gc_collections_total", "Collections of the managed heap.", "generation",
            () => from generation in Enumerable.Range(0, GC.MaxGeneration + 1)
                  select ($"{generation}", (double)GC.CollectionCount(generation)));
        metrics.Counter(
            "dotnet_gc_pause_seconds_total", "Time in which collections stopped everything else.",
            () => GC.GetTotalPauseDuration().TotalSeconds);
        metrics.Gauge("dotnet_threadpool_threads", "Threads of the pool.", () => ThreadPool.ThreadCount);
        metrics.Gauge(
            "dotnet_threadpool_queue_length", "Work that waits for a thread of the pool.",
            () => ThreadPool.PendingWorkItemCount);
        metrics.Counter(
            "dotnet_lock_contentions_total", "Waits for a lock that another thread held.",
            () => Monitor.LockContentionCount);
    }

    static T Ask<T>(Func<Process, T> question)
    {
        using var process = Process.GetCurrentProcess();
        return question(process);
    }
}
