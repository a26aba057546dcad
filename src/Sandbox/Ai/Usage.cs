namespace Purser.Sandbox.Ai;

/// <summary>
/// What a call has really used so far. <see cref="Input"/> is the whole prompt, cached or not, and <see cref="Output"/>
/// all that was produced, thoughts included; the others are parts of these two or other units.
/// </summary>
sealed class Usage
{
    public long Input { get; set; }
    public long Cached { get; set; }
    public long CacheWrite { get; set; }
    public long CacheWriteHour { get; set; }
    public long AudioInput { get; set; }
    public long ImageInput { get; set; }
    public long Output { get; set; }
    public long Reasoning { get; set; }
    public long AudioOutput { get; set; }
    public long ImageOutput { get; set; }
    public long Images { get; set; }
    public long WebSearches { get; set; }
    public decimal Seconds { get; set; }

    public void Add(Usage other)
    {
        Input += other.Input;
        Cached += other.Cached;
        CacheWrite += other.CacheWrite;
        CacheWriteHour += other.CacheWriteHour;
        AudioInput += other.AudioInput;
        ImageInput += other.ImageInput;
        Output += other.Output;
        Reasoning += other.Reasoning;
        AudioOutput += other.AudioOutput;
        ImageOutput += other.ImageOutput;
        Images += other.Images;
        WebSearches += other.WebSearches;
        Seconds += other.Seconds;
    }
}
