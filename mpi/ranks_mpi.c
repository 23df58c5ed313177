/* netc's plugin for MPI: built once with each mpicc that is installed, loaded only under mpirun or
   srun. Nothing but moving bytes happens here: sums are taken by netc, in its own order. */
#include "runtime/ranks.h"
#include <mpi.h>
#include <stdint.h>

enum { LARGEST = 1 << 30, TAG = 1 };

static int my_rank, n_ranks;
static MPI_Win counter;
static int *count;

static int start(int *rank, int *n) {
  int provided, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (code) return code;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  *rank = my_rank;
  *n = n_ranks;
  code = MPI_Win_allocate(sizeof *count, sizeof *count, MPI_INFO_NULL, MPI_COMM_WORLD, &count,
                          &counter);
  if (!code) *count = 0;
  return code ? code : MPI_Barrier(MPI_COMM_WORLD);
}

static int swap(const void *out, void *in, size_t bytes, int with) {
  const char *from = out;
  char *to = in;
  for (int code; bytes;) {
    const int n = bytes < LARGEST ? (int)bytes : LARGEST;
    code = MPI_Sendrecv(from, n, MPI_BYTE, with, TAG, to, n, MPI_BYTE, with, TAG, MPI_COMM_WORLD,
                        MPI_STATUS_IGNORE);
    if (code) return code;
    from += n, to += n, bytes -= (size_t)n;
  }
  return MPI_SUCCESS;
}

static int gather(const void *one, void *all, size_t bytes) {
  MPI_Datatype block;
  if (bytes > LARGEST) return MPI_ERR_COUNT;
  int code = MPI_Type_contiguous((int)bytes, MPI_BYTE, &block);
  if (!code) code = MPI_Type_commit(&block);
  if (!code) code = MPI_Allgather(one, 1, block, all, 1, block, MPI_COMM_WORLD);
  MPI_Type_free(&block);
  return code;
}

static int broadcast(void *data, size_t bytes) {
  for (char *at = data; bytes;) {
    const int n = bytes < LARGEST ? (int)bytes : LARGEST;
    const int code = MPI_Bcast(at, n, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (code) return code;
    at += n, bytes -= (size_t)n;
  }
  return MPI_SUCCESS;
}

static int take(int *number) {
  const int one = 1;
  int code = MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, counter);
  if (!code) code = MPI_Fetch_and_op(&one, number, MPI_INT, 0, 0, MPI_SUM, counter);
  if (!code) code = MPI_Win_unlock(0, counter);
  return code;
}

static int wait_for_all(void) { return MPI_Barrier(MPI_COMM_WORLD); }

static void finish(void) {
  MPI_Win_free(&counter);
  MPI_Finalize();
}

static void end_all(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

const ranks_api *netc_ranks(void);
const ranks_api *netc_ranks(void) {
  static const ranks_api api = {RANKS_VERSION, start,        swap,   gather, broadcast,
                                take,          wait_for_all, finish, end_all};
  return &api;
}
