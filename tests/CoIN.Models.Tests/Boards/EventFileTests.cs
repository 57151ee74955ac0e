using System.Diagnostics;
using System.Text;
using CoIN.Models.Boards;
using Tensorboard;

namespace CoIN.Models.Tests.Boards;

public sealed class EventFileTests : IDisposable
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(1_764_250_000_123);
    private readonly string folder = Directory.CreateTempSubdirectory("coin-events-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>
    /// The check value of CRC-32C is E3069283 for these digits (RFC 3720, B.4 has others of the same kind); masked as TensorFlow's record
    /// format says.
    /// </summary>
    [Fact]
    public void The_checksum_is_the_masked_CRC_32C()
    {
        const uint Plain = 0xe3069283;
        Assert.Equal(((Plain >> 15) | (Plain << 17)) + 0xa282ead8, EventFile.Checksum(Encoding.ASCII.GetBytes("123456789")));
    }

    [Fact]
    public void What_was_written_is_read_back_record_by_record_with_times_to_the_millisecond()
    {
        Write();
        var events = Read();
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal(
            ("train/loss", 0.25f, 7L, 1_764_250_000.123),
            (events[1].Summary.Value[0].Tag, events[1].Summary.Value[0].SimpleValue, events[1].Step, events[1].WallTime)
        );
        Assert.Equal(
            ("configuration", "text", "| a |"),
            (
                events[2].Summary.Value[0].Tag,
                events[2].Summary.Value[0].Metadata.PluginData.PluginName,
                events[2].Summary.Value[0].Tensor.StringVal[0].ToStringUtf8()
            )
        );
        var image = events[3].Summary.Value[0].Image;
        Assert.Equal((56, 56), (image.Width, image.Height));
        Assert.Equal("\u0089PNG", Encoding.Latin1.GetString(image.EncodedImageString.ToByteArray()[..4]));
        Assert.Equal(4, events.Count);
    }

    [Fact]
    public void TensorBoard_itself_reads_the_file()
    {
        const string Script = """
            import sys
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            events = EventAccumulator(sys.argv[1]).Reload()
            print([(one.step, one.value, round(one.wall_time, 3)) for one in events.Scalars('train/loss')], events.Tags()['images'])
            """;
        using var python = Start("-c", "import tensorboard");
        Assert.SkipUnless(python is not null && Ended(python) == 0, "There is no python3 with tensorboard on this computer.");
        Write();
        using var reader = Start("-c", Script, folder)!;
        var output = reader.StandardOutput.ReadToEnd();
        Assert.Equal(0, Ended(reader));
        Assert.Equal("[(7, 0.25, 1764250000.123)] ['matrix']", output.Trim());
    }

    private static int Ended(Process process)
    {
        process.WaitForExit();
        return process.ExitCode;
    }

    private static Process? Start(params string[] arguments)
    {
        try
        {
            return Process.Start(
                new ProcessStartInfo("python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
            );
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private void Write()
    {
        using var file = new EventFile(folder, At);
        file.Scalar("train/loss", 0.25, 7, At);
        file.Text("configuration", "| a |", 0, At);
        var (png, width, height) = MatrixPicture.Draw(
            [
                [100],
                [0, null],
            ],
            2
        );
        file.Image("matrix", png, width, height, 2, At);
    }

    /// <summary>Reads the records as the format says, and checks both of their sums.</summary>
    private List<Event> Read()
    {
        var path = Assert.Single(Directory.GetFiles(folder));
        Assert.StartsWith("events.out.tfevents.1764250000.", Path.GetFileName(path), StringComparison.Ordinal);
        using var reader = new BinaryReader(File.OpenRead(path));
        var events = new List<Event>();
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var length = reader.ReadBytes(8);
            Assert.Equal(EventFile.Checksum(length), reader.ReadUInt32());
            var bytes = reader.ReadBytes((int)BitConverter.ToInt64(length));
            Assert.Equal(EventFile.Checksum(bytes), reader.ReadUInt32());
            events.Add(Event.Parser.ParseFrom(bytes));
        }

        return events;
    }
}
