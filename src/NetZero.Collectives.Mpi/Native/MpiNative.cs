using System.Reflection;
using System.Runtime.InteropServices;

namespace NetZero.Collectives.Mpi;

/// <summary>The MPI calls that are used, in the library that <see cref="MpiLibrary.Load"/> has found.</summary>
/// <remarks>
/// <para>// Note: one declaration for two binary interfaces.</para>
/// <para>Handles are addresses in Open MPI and ints in MPICH. They are declared as native ints: calling conventions pass an int in the low half of the
/// register in which they pass an address, and where MPI writes a handle it finds eight zeroed bytes, of which the int takes the low four (the
/// processors that .NET runs MPI on are little-endian). Arrays of handles would differ, so none is passed. Statuses differ and are never asked for.</para>
/// </remarks>
internal static unsafe partial class MpiNative
{
    private const string Library = "netzero-mpi";

    private static nint _loaded;

    /// <summary>Says which library the declarations mean. Once for a process, as MPI itself can be begun once.</summary>
    public static void Use(nint library)
    {
        if (Interlocked.Exchange(ref _loaded, library) == 0)
            NativeLibrary.SetDllImportResolver(typeof(MpiNative).Assembly, Resolve);
    }

    [LibraryImport(Library)]
    public static partial int MPI_Init_thread(int* argc, byte*** argv, int required, out int provided);

    [LibraryImport(Library)]
    public static partial int MPI_Finalize();

    [LibraryImport(Library)]
    public static partial int MPI_Error_string(int code, byte* text, out int length);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_set_errhandler(nint comm, nint handler);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_rank(nint comm, out int rank);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_size(nint comm, out int size);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_dup(nint comm, nint* result);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_group(nint comm, nint* group);

    [LibraryImport(Library)]
    public static partial int MPI_Group_incl(nint group, int count, int* ranks, nint* result);

    [LibraryImport(Library)]
    public static partial int MPI_Group_free(nint* group);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_create_group(nint comm, nint group, int tag, nint* result);

    [LibraryImport(Library)]
    public static partial int MPI_Bcast(void* buffer, int count, nint type, int root, nint comm);

    [LibraryImport(Library)]
    public static partial int MPI_Ibcast(void* buffer, int count, nint type, int root, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Iallgather(void* send, int sendCount, nint sendType, void* receive, int receiveCount, nint receiveType, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Ialltoall(void* send, int sendCount, nint sendType, void* receive, int receiveCount, nint receiveType, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Iallreduce(void* send, void* receive, int count, nint type, nint op, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Ireduce_scatter_block(void* send, void* receive, int receiveCount, nint type, nint op, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Isend(void* buffer, int count, nint type, int to, int tag, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Irecv(void* buffer, int count, nint type, int from, int tag, nint comm, nint* request);

    [LibraryImport(Library)]
    public static partial int MPI_Test(nint* request, out int done, nint status);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name == Library ? _loaded : 0;
}
