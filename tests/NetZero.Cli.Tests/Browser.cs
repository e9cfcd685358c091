using Microsoft.Playwright;

namespace NetZero.Cli.Tests;

/// <summary>The system's Chromium without a window, driven by Playwright. It is not downloaded: where there is none, tests that need it are skipped.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Browser(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>Where it is; null where there is none.</summary>
    public static string? Executable { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    public static async Task<Browser> StartAsync()
    {
        var playwright = await Playwright.CreateAsync();

        // The sandbox needs rights that containers lack; what is shown is what these tests wrote.
        return new Browser(playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = ["--no-sandbox"] }));
    }

    /// <summary>An empty page.</summary>
    public Task<IPage> PageAsync(ColorScheme scheme = ColorScheme.Light, int width = 1280) =>
        _browser.NewPageAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 900 } });

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

/// <summary>A test in a browser.</summary>
public sealed class FactInBrowserAttribute : FactAttribute
{
    public FactInBrowserAttribute()
    {
        if (Browser.Executable is null)
            Skip = "There is no Chromium; on Debian: apt-get install chromium.";
    }
}
