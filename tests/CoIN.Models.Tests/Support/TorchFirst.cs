using System.Runtime.CompilerServices;
using CoIN.Models.Families.Llava;

namespace CoIN.Models.Tests.Support;

/// <summary>Lets the product make the native library loadable before a test touches TorchSharp by itself.</summary>
internal static class TorchFirst
{
    [ModuleInitializer]
    internal static void Run() => RuntimeHelpers.RunModuleConstructor(typeof(LlavaModel).Module.ModuleHandle);
}
