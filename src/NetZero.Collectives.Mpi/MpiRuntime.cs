using System.Text;

namespace NetZero.Collectives.Mpi;

/// <summary>MPI, begun. A process begins it once and ends it once; between its calls nothing else of this process calls it.</summary>
/// <remarks>
/// MPI is asked for <c>MPI_THREAD_SERIALIZED</c>: any thread may call it, one at a time. <see cref="Gate"/> is that one's; the rank's thread holds it while it
/// starts and waits for calls, the communication thread while the rank computes.
/// </remarks>
internal sealed unsafe class MpiRuntime
{
    // mpi.h of both flavors.
    private const int ThreadSerialized = 2;

    // mpi.h: MPI_MAX_ERROR_STRING is 256 in Open MPI and 512 in MPICH.
    private const int LongestError = 512;

    private MpiRuntime(MpiLibrary library)
    {
        Library = library;
        Abi = MpiAbi.Of(library);
    }

    public MpiLibrary Library { get; }

    public MpiAbi Abi { get; }

    /// <summary>Held by whoever calls MPI.</summary>
    public Lock Gate { get; } = new();

    public int Rank { get; private set; }

    public int Size { get; private set; }

    /// <summary>Begins MPI.</summary>
    /// <exception cref="MpiLibraryException">The library does not let threads take turns, or does not belong to whoever started the processes.</exception>
    public static MpiRuntime Begin(MpiLibrary library, WorkerEnvironment worker)
    {
        MpiNative.Use(library.Handle);
        var runtime = new MpiRuntime(library);
        var code = MpiNative.MPI_Init_thread(null, null, ThreadSerialized, out var provided);
        if (code != 0)
            throw new MpiLibraryException($"{library.Version} ({library.Path}) cannot begin: MPI_Init_thread returned {code}");
        if (provided < ThreadSerialized)
            throw new MpiLibraryException($"{library.Version} ({library.Path}) does not let threads take turns (MPI_THREAD_SERIALIZED); use a build with threads");
        runtime.Check(MpiNative.MPI_Comm_set_errhandler(runtime.Abi.World, runtime.Abi.ErrorsReturn), nameof(MpiNative.MPI_Comm_set_errhandler));
        runtime.Check(MpiNative.MPI_Comm_rank(runtime.Abi.World, out var rank), nameof(MpiNative.MPI_Comm_rank));
        runtime.Check(MpiNative.MPI_Comm_size(runtime.Abi.World, out var size), nameof(MpiNative.MPI_Comm_size));
        (runtime.Rank, runtime.Size) = (rank, size);

        // A library that does not know the starter makes each process a world of its own: N silent runs in place of one of N ranks.
        if (size != worker.WorldSize || rank != worker.Rank)
        {
            throw new MpiLibraryException(
                $"{library.Version} ({library.Path}) says that this process is rank {rank} of {size}, but it was started as rank {worker.Rank} of {worker.WorldSize}; "
                + $"mpirun and library are not of one installation: name the library with {MpiLibrary.PathVariable}");
        }

        return runtime;
    }

    /// <summary>Ends MPI; returns when all ranks have come to this.</summary>
    public void End()
    {
        lock (Gate)
            Check(MpiNative.MPI_Finalize(), nameof(MpiNative.MPI_Finalize));
    }

    /// <summary>Turns MPI's error codes into exceptions.</summary>
    public void Check(int code, string call)
    {
        if (code == 0)
            return;
        var text = stackalloc byte[LongestError];
        var known = MpiNative.MPI_Error_string(code, text, out var length) == 0;
        throw new MpiException($"{call} failed: {(known ? Encoding.UTF8.GetString(text, length) : $"code {code}")}");
    }

    /// <summary>A communicator with the same ranks, so that what is sent on it meets nothing else.</summary>
    public nint Duplicate(nint comm)
    {
        nint result = 0;
        Check(MpiNative.MPI_Comm_dup(comm, &result), nameof(MpiNative.MPI_Comm_dup));
        return result;
    }

    /// <summary>A communicator of some ranks of another one; all of these call, and nobody else.</summary>
    public nint Create(nint comm, int[] ranks, int tag)
    {
        nint whole = 0, part = 0, result = 0;
        Check(MpiNative.MPI_Comm_group(comm, &whole), nameof(MpiNative.MPI_Comm_group));
        fixed (int* first = ranks)
            Check(MpiNative.MPI_Group_incl(whole, ranks.Length, first, &part), nameof(MpiNative.MPI_Group_incl));
        Check(MpiNative.MPI_Comm_create_group(comm, part, tag, &result), nameof(MpiNative.MPI_Comm_create_group));
        Check(MpiNative.MPI_Group_free(&part), nameof(MpiNative.MPI_Group_free));
        Check(MpiNative.MPI_Group_free(&whole), nameof(MpiNative.MPI_Group_free));
        Check(MpiNative.MPI_Comm_set_errhandler(result, Abi.ErrorsReturn), nameof(MpiNative.MPI_Comm_set_errhandler));
        return result;
    }

    /// <summary>Gives all ranks what rank 0 has.</summary>
    public string Broadcast(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = bytes.Length;
        lock (Gate)
        {
            Check(MpiNative.MPI_Bcast(&length, sizeof(int), Abi.Byte, 0, Abi.World), nameof(MpiNative.MPI_Bcast));
            if (Rank != 0)
                bytes = new byte[length];
            fixed (byte* first = bytes)
                Check(MpiNative.MPI_Bcast(first, length, Abi.Byte, 0, Abi.World), nameof(MpiNative.MPI_Bcast));
        }

        return Encoding.UTF8.GetString(bytes);
    }
}
