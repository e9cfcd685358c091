using System.Text.Json;
using Microsoft.Playwright;

namespace NetZero.Cli.Tests;

/// <summary>The report as readers see it: in a browser, light and dark, wide and narrow.</summary>
public sealed class PlanPageTests : IDisposable
{
    // Texts of one figure that lie over each other or leave it, and elements that are wider than the page. A few tenths of a pixel are rounding.
    private const string Faults = """
        () => {
          const faults = [];
          if (document.documentElement.scrollWidth > document.documentElement.clientWidth)
            faults.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${document.documentElement.clientWidth}`);
          for (const svg of document.querySelectorAll('svg')) {
            const frame = svg.getBoundingClientRect();
            const texts = [...svg.querySelectorAll('text')].map(text => ({ text: text.textContent, box: text.getBoundingClientRect() }));
            for (const { text, box } of texts)
              if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                faults.push(`'${text}' leaves its figure`);
            for (let i = 0; i < texts.length; i++)
              for (let j = i + 1; j < texts.length; j++) {
                const [a, b] = [texts[i].box, texts[j].box];
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
                  faults.push(`'${texts[i].text}' lies over '${texts[j].text}'`);
              }
          }
          return faults;
        }
        """;

    // Of a picture: how bright it is, what share differs from its corner, and how many colours (of 4 bits a channel) cover at least a thousandth of it.
    private const string Ink = """
        async png => {
          const image = new Image();
          image.src = 'data:image/png;base64,' + png;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          const data = context.getImageData(0, 0, image.width, image.height).data, counts = new Map();
          let light = 0, ink = 0;
          for (let i = 0; i < data.length; i += 4) {
            light += (0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2]) / 255;
            if (Math.abs(data[i] - data[0]) + Math.abs(data[i + 1] - data[1]) + Math.abs(data[i + 2] - data[2]) > 30)
              ink++;
            const colour = (data[i] >> 4 << 8) + (data[i + 1] >> 4 << 4) + (data[i + 2] >> 4);
            counts.set(colour, (counts.get(colour) ?? 0) + 1);
          }
          const pixels = data.length / 4;
          return { light: light / pixels, ink: ink / pixels, colours: [...counts.values()].filter(count => count > pixels / 1000).length };
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [FactInBrowser]
    public async Task Reports_AreReadable_LightAndDark_WideAndNarrow_WithoutANetwork()
    {
        string[] run = [_folder.Configuration, "--ranks", "4", "--set", "zero_optimization.stage=3", "--set", "gradient_accumulation_steps=2", "--cluster", "h100x8"];
        string[] model = ["--model", "llama3-8b", "--cluster", "h100x8", "--ranks", "64", "--sequence", "8192", "--recompute", "full", "--accumulation", "4"];
        await using var browser = await Browser.StartAsync();
        var measure = await browser.PageAsync();
        foreach (var (name, options, figures) in new[] { ("run", run, 4), ("model", model, 3) })
        {
            var terminal = new StringTerminal();
            var path = _folder.At($"{name}.html");
            Assert.Equal((0, ""), (await new Tool(terminal, Reports.Engines).RunAsync(["plan", .. options, "--html", path]), terminal.Errors));
            foreach (var (scheme, width) in new[] { (ColorScheme.Light, 1280), (ColorScheme.Dark, 1280), (ColorScheme.Light, 400) })
                await LookAsync(await browser.PageAsync(scheme, width), measure, path, $"{name}-{scheme}-{width}", figures, isDark: scheme == ColorScheme.Dark);
        }
    }

    private static async Task LookAsync(IPage page, IPage measure, string path, string name, int figures, bool isDark)
    {
        var requests = new List<string>();
        var messages = new List<string>();
        page.Request += (_, request) => requests.Add(request.Url);
        page.Console += (_, message) => messages.Add(message.Text);
        await page.GotoAsync(new Uri(path).AbsoluteUri);
        Assert.Equal([new Uri(path).AbsoluteUri], requests);
        Assert.Empty(messages);
        Assert.True(await page.EvaluateAsync<string[]>(Faults) is { Length: 0 } or null, $"{name}: {string.Join("; ", await page.EvaluateAsync<string[]>(Faults) ?? [])}");

        var whole = await page.ScreenshotAsync(new() { FullPage = true });
        if (Environment.GetEnvironmentVariable("NETZERO_SCREENSHOTS") is { Length: > 0 } folder)
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{name}.png"), whole);
        var light = (await InkAsync(measure, whole)).GetProperty("light").GetDouble();
        Assert.True(isDark ? light < 0.3 : light > 0.7, $"{name}: a brightness of {light:F2}");

        var plots = page.Locator("svg");
        Assert.Equal(figures, await plots.CountAsync());
        for (var i = 0; i < figures; i++)
        {
            var ink = await InkAsync(measure, await plots.Nth(i).ScreenshotAsync());
            Assert.True(ink.GetProperty("ink").GetDouble() > 0.01, $"{name}, figure {i}: {ink}");
            Assert.True(ink.GetProperty("colours").GetInt32() >= 3, $"{name}, figure {i}: {ink}");
        }

        await page.CloseAsync();
    }

    private static async Task<JsonElement> InkAsync(IPage page, byte[] png) => (await page.EvaluateAsync(Ink, Convert.ToBase64String(png)))!.Value;
}
