namespace CoIN.Models.Imaging;

/// <summary>
/// Pillow's bicubic resampling of eight-bit pictures, to the bit: a = −0.5, the kernel widened by the shrink factor, one direction after
/// the other, weights in fixed point of 22 bits, each pass rounded and clipped to eight bits.
/// </summary>
internal static class BicubicResize
{
    private const int Precision = 22;
    private const double Support = 2.0;

    /// <summary>Resizes to exactly the given size.</summary>
    public static RgbImage Apply(RgbImage image, int width, int height)
    {
        // Rounding between the passes makes their order visible. Pillow up to 12 always begins with the columns; Pillow 13 (as measured on
        // pictures of random numbers) begins with the rows where that drops more than twice as many rows as the other would drop columns.
        var rowsFirst = height < image.Height && image.Height - height > 2 * (image.Width - width);
        return rowsFirst ? Horizontal(Vertical(image, height), width) : Vertical(Horizontal(image, width), height);
    }

    private static RgbImage Horizontal(RgbImage image, int width)
    {
        if (width == image.Width)
        {
            return image;
        }

        var taps = Taps.For(image.Width, width);
        var result = new byte[width * image.Height * 3];
        for (var y = 0; y < image.Height; y++)
        {
            var row = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
            var target = result.AsSpan(y * width * 3, width * 3);
            for (var x = 0; x < width; x++)
            {
                var weights = taps.Weights.AsSpan(x * taps.Size, taps.Counts[x]);
                int red = 1 << (Precision - 1),
                    green = red,
                    blue = red;
                var at = taps.Starts[x] * 3;
                foreach (var weight in weights)
                {
                    red += row[at] * weight;
                    green += row[at + 1] * weight;
                    blue += row[at + 2] * weight;
                    at += 3;
                }

                target[x * 3] = Clip(red);
                target[(x * 3) + 1] = Clip(green);
                target[(x * 3) + 2] = Clip(blue);
            }
        }

        return new RgbImage(width, image.Height, result);
    }

    private static RgbImage Vertical(RgbImage image, int height)
    {
        if (height == image.Height)
        {
            return image;
        }

        var taps = Taps.For(image.Height, height);
        var stride = image.Width * 3;
        var result = new byte[stride * height];
        var sums = new int[stride];
        for (var y = 0; y < height; y++)
        {
            Array.Fill(sums, 1 << (Precision - 1));
            for (var i = 0; i < taps.Counts[y]; i++)
            {
                var weight = taps.Weights[(y * taps.Size) + i];
                var row = image.Pixels.AsSpan((taps.Starts[y] + i) * stride, stride);
                for (var x = 0; x < row.Length; x++)
                {
                    sums[x] += row[x] * weight;
                }
            }

            for (var x = 0; x < stride; x++)
            {
                result[(y * stride) + x] = Clip(sums[x]);
            }
        }

        return new RgbImage(image.Width, height, result);
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    /// <summary>Which inputs make up each output, and with which weights.</summary>
    private sealed record Taps(int Size, int[] Starts, int[] Counts, int[] Weights)
    {
        public static Taps For(int inputs, int outputs)
        {
            var scale = inputs / (double)outputs;
            var stretch = Math.Max(scale, 1.0);
            var support = Support * stretch;
            var size = ((int)Math.Ceiling(support) * 2) + 1;
            var taps = new Taps(size, new int[outputs], new int[outputs], new int[outputs * size]);
            var kernel = new double[size];
            for (var i = 0; i < outputs; i++)
            {
                var center = (i + 0.5) * scale;
                var start = Math.Max((int)(center - support + 0.5), 0);
                var count = Math.Min((int)(center + support + 0.5), inputs) - start;
                double sum = 0;
                for (var k = 0; k < count; k++)
                {
                    kernel[k] = Kernel((k + start - center + 0.5) * (1.0 / stretch));
                    sum += kernel[k];
                }

                for (var k = 0; k < count; k++)
                {
                    var weight = sum == 0 ? kernel[k] : kernel[k] / sum;
                    taps.Weights[(i * size) + k] = (int)((weight * (1 << Precision)) + (weight < 0 ? -0.5 : 0.5));
                }

                (taps.Starts[i], taps.Counts[i]) = (start, count);
            }

            return taps;
        }

        private static double Kernel(double x)
        {
            const double A = -0.5;
            x = Math.Abs(x);
            return x < 1 ? ((((A + 2) * x) - (A + 3)) * x * x) + 1
                : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * A
                : 0;
        }
    }
}
