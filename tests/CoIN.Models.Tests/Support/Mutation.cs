namespace CoIN.Models.Tests.Support;

/// <summary>Damages files as disks, networks and enemies do: flipped bits, swapped pieces, cut ends.</summary>
internal static class Mutation
{
    public static byte[] Of(byte[] good, Random random)
    {
        var bad = (byte[])good.Clone();
        switch (random.Next(4))
        {
            case 0:
                return bad[..random.Next(bad.Length)];
            case 1:
                int from = random.Next(bad.Length),
                    to = random.Next(bad.Length);
                var length = Math.Min(random.Next(1, 64), bad.Length - Math.Max(from, to));
                Array.Copy(good, from, bad, to, length);
                Array.Copy(good, to, bad, from, length);
                return bad;
            default:
                for (var flips = random.Next(1, 6); flips > 0; flips--)
                {
                    bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bad;
        }
    }
}
