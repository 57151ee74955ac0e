using CoIN.Actors.Journal;
using CoIN.Benchmark;
using Npgsql;

namespace CoIN.Actors.Tests.Journal;

public sealed class JournalDatabaseTests
{
    [Fact]
    public void An_address_keeps_what_it_says_and_gets_what_it_leaves_open()
    {
        var database = JournalDatabase.Parse("Host=db.example.org;Database=coin;Username=ann;SSL Mode=VerifyFull;Timeout=30");
        Assert.Equal("coin on db.example.org:5432", database.Name);
        Assert.Equal("Host=db.example.org;Database=coin;Username=ann;SSL Mode=VerifyFull;Timeout=30", database.Address);
        var whole = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        Assert.Equal((30, 5, SslMode.VerifyFull, "ann"), (whole.Timeout, whole.KeepAlive, whole.SslMode, whole.Username));
    }

    [Theory]
    [InlineData("Host=h;Database=d;Password=hunter2")]
    [InlineData("Host=h;Database=d;pwd=hunter2")]
    [InlineData("Host=h;Database=d;SSL Password=hunter2")]
    [InlineData("Host=h;Database=d;Password=")]
    public void A_password_in_it_is_refused_and_not_repeated(string address)
    {
        var fault = Assert.Throws<CoinException>(() => JournalDatabase.Parse(address));
        Assert.Contains("PGPASSWORD", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=h")]
    [InlineData("Database=d")]
    [InlineData("postgres://ann:hunter2@h/d")]
    [InlineData("Host=h;Database=d;Port=hunter2")]
    [InlineData("Host=h;Database=d;No Such Key=hunter2")]
    public void What_is_no_address_is_refused_and_not_repeated(string address)
    {
        var fault = Assert.Throws<CoinException>(() => JournalDatabase.Parse(address));
        Assert.Contains("Host=db.example.org;Database=coin", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }
}
