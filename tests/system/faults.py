"""Which test stands for which fault: the 40 rows of the fault matrix, each with its tests, or the reason why there is none.

A test is `file::name`, below tests/ or tests/system/. test_fault_matrix.py sees to it that each exists.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One fault. `lacks` says what of it no test here can show, and why."""

    fault: str
    tests: tuple[str, ...] = ()
    lacks: str = ""


FAULTS = {
    1: Row(
        "an interruption during a long reply",
        (
            "test_barge_in::test_an_interruption_is_silence_at_once_and_nothing_of_the_old_reply_follows",
            "test_barge_in::test_200_interruptions_are_silence_within_40_ms_nearly_always",
        ),
    ),
    2: Row(
        "the same over a bad link",
        (
            "test_bad_link::test_a_flush_over_a_slow_and_lossy_link_is_silence_at_once",
            "test_bad_link::test_100_flushes_over_a_slow_and_lossy_link_are_silence_within_150_ms",
        ),
    ),
    3: Row(
        "the session killed while it speaks",
        (
            "test_terminal_sharing::test_a_session_that_dies_in_the_middle_of_a_reply_frees_the_terminal_and_its_successor_answers_again",
            "test_half_duplex::test_the_microphone_opens_again_when_the_session_dies_with_a_reply_in_the_loudspeaker",
        ),
    ),
    4: Row(
        "the session killed with lines that are not acknowledged",
        (
            "test_no_loss::test_300_lines_arrive_exactly_once_although_the_session_is_killed_3_times",
            "test_no_loss::test_1000_lines_arrive_exactly_once_although_the_session_is_killed_20_times",
        ),
    ),
    5: Row(
        "the mic killed in mid-utterance",
        (
            "test_half_duplex::test_a_dead_microphone_is_back_within_seconds_and_nobody_else_notices",
            "test_heal_times::test_a_killed_actor_works_again_soon",
        ),
    ),
    6: Row(
        "the speaker killed in mid-playback",
        (
            "test_voice::test_a_dead_loudspeaker_is_back_within_seconds_and_plays_what_still_comes",
            "test_heal_times::test_a_killed_actor_works_again_soon",
        ),
    ),
    7: Row(
        "the coordinator killed in mid-speech",
        (
            "test_terminal_sharing::test_whatever_else_is_killed_the_user_can_go_on_typing",
            "test_no_loss::test_100_lines_arrive_exactly_once_although_another_part_is_killed_3_times",
            "test_heal_times::test_a_coordinator_that_dies_in_mid_reply_costs_no_sample_and_its_successor_knows_the_state",
            "test_shared_state::test_where_no_coordinator_is_connecting_fails_in_time",
        ),
    ),
    8: Row(
        "muted, and somebody is killed",
        ("test_half_duplex::test_muted_means_that_nothing_is_captured_or_sent_whoever_dies",),
    ),
    9: Row(
        "the supervisor killed in each state",
        (
            "test_faults::test_a_killed_supervisor_takes_all_actors_with_it_and_the_next_start_needs_no_help",
            "test_faults::test_an_actor_that_hangs_as_the_supervisor_dies_is_ended_by_the_next_start",
            "test_terminal_sharing::test_a_killed_supervisor_leaves_a_good_terminal_and_nobody_behind",
        ),
    ),
    10: Row(
        "Ctrl-C, once and twice",
        (
            "test_conversation::test_a_signal_ends_it_in_order_in_the_middle_of_a_reply",
            "test_conversation::test_a_second_ctrl_c_does_not_wait_for_a_process_that_hangs",
        ),
    ),
    11: Row(
        "the keyboard killed in raw mode",
        (
            "test_terminal_sharing::test_a_killed_keyboard_leaves_a_good_terminal_within_a_second_and_comes_back_to_the_same_conversation",
        ),
    ),
    12: Row(
        "the network to the model cut",
        (
            "test_no_network::test_after_a_cut_the_same_processes_hear_and_answer_again_within_3_s",
            "test_cuts::test_a_conversation_that_is_cut_in_every_way_loses_and_doubles_nothing",
            "test_standstill::test_a_server_that_answers_nothing_any_more_is_shown_at_once_and_the_session_stays_the_same_process",
            "test_reconnect::test_a_week_without_a_network_is_no_problem",
        ),
    ),
    13: Row(
        "expiry, GoAway, 1011, a bad key",
        (
            "test_no_loss::test_lines_arrive_exactly_once_although_connections_break_at_random_turns",
            "test_reconnect::test_every_close_the_service_is_known_to_send_is_understood",
            "test_model_access::test_what_the_service_refuses_is_one_message_naming_the_setting_after_one_attempt",
        ),
    ),
    14: Row(
        "a device unplugged and plugged in again",
        (
            "test_device_faults::test_a_loudspeaker_that_goes_away_comes_back_and_the_voice_of_the_user_loses_nothing",
            "test_device_faults::test_a_microphone_that_goes_away_comes_back_and_the_reply_has_no_gap",
            "test_device_faults::test_a_conversation_that_began_without_devices_gets_them_when_they_appear",
        ),
    ),
    15: Row(
        "SIGSTOP for 1 s and for good",
        (
            "test_hung_actors::test_actors_that_stand_still_for_a_second_are_left_alone",
            "test_hung_actors::test_actors_that_hang_are_replaced_all_at_once_if_need_be",
        ),
    ),
    16: Row(
        "an interpreter that hangs in C",
        (
            "test_hung_actors::test_an_actor_whose_interpreter_hangs_in_c_leaves_its_stacks_with_the_frame_in_its_log",
            "test_standstill::test_a_mic_and_a_speaker_that_live_and_get_nothing_done_are_shown_and_replaced",
            "test_deadline::test_a_call_that_hangs_ends_the_process_as_one_without_its_device_and_says_where",
        ),
    ),
    17: Row(
        "the supervisor or the whole machine slept",
        (
            "test_hung_actors::test_nobody_is_killed_when_the_supervisor_itself_slept",
            "test_watching::test_a_supervisor_that_slept_for_a_minute_judges_nobody_for_that_minute",
        ),
        "a real suspend: this machine is one whose /sys/power/state offers none",
    ),
    18: Row(
        "a remote link cut",
        (
            "test_bad_link::test_a_link_cut_for_5_s_heals_by_itself_and_the_reply_goes_on_where_it_was",
            "test_pacer::test_after_a_cut_the_speaker_gets_what_it_lacks_and_nothing_twice",
        ),
    ),
    19: Row(
        "delay, loss, reordering, a low rate",
        (
            "test_bad_link::test_50_ms_of_jitter_and_1_percent_of_loss_are_hardly_heard_and_hardly_delay",
            "test_relay::test_some_overtake_the_others",
        ),
    ),
    20: Row(
        "clocks that drift",
        ("test_drift::test_in_a_day_of_100_ppm_the_buffer_neither_grows_nor_empties",),
        "two real sound cards: here is none, and virtual ones all follow the machine's one clock; so the drift is computed",
    ),
    21: Row(
        "the wall clock is set",
        (
            "test_wall_clock::test_a_clock_that_is_set_forth_and_back_is_not_heard_in_a_reply_nor_in_what_the_user_says",
            "test_wall_clock::test_a_connection_that_is_made_at_another_time_is_trusted_like_the_first",
            "test_architecture::test_nothing_is_timed_by_a_clock_that_somebody_may_set",
        ),
        "the kernel's own clock, as everything else on the machine has it too: a shim sets that of the tree's processes",
    ),
    22: Row(
        "two starts of one name",
        (
            "test_start_stop::test_of_20_starts_at_the_same_moment_exactly_one_wins",
            "test_instance::test_of_many_that_start_and_end_at_once_never_two_are_inside",
        ),
    ),
    23: Row(
        "files of a dead tree, a pid of somebody else",
        (
            "test_instance::test_what_a_killed_predecessor_left_is_removed_except_the_lock",
            "test_status::test_a_pid_that_is_somebody_elses_now_is_not_the_actor",
            "test_status::test_survivors_are_the_actors_that_are_still_the_same",
        ),
    ),
    24: Row(
        "actors that do not behave",
        (
            "test_hung_actors::test_what_follows_an_end_before_ready_depends_on_the_exit_code",
            "test_hung_actors::test_what_an_actor_has_started_itself_ends_with_it",
            "test_policy::test_what_would_fail_again_is_not_tried_again",
            "test_policy::test_every_end_that_may_pass_is_a_crash",
            "test_policy::test_an_absent_device_is_no_crash_however_long_it_is_away",
            "test_conversation::test_a_second_ctrl_c_does_not_wait_for_a_process_that_hangs",
            "test_tools::test_functions_end_with_a_supervisor_that_is_killed",
            "test_hung_actors::test_an_actor_that_never_becomes_ready_leaves_its_stacks_and_is_replaced_until_it_does",
            "test_watching::test_whoever_has_to_wait_for_another_is_late_from_when_that_is_ready",
            "test_watching::test_a_device_may_wait_for_its_host_for_days",
        ),
    ),
    25: Row(
        "crash loops",
        (
            "test_faults::test_a_session_that_dies_too_often_ends_the_conversation_with_1_and_says_so",
            "test_faults::test_a_console_that_dies_too_often_is_given_up_and_the_conversation_goes_on",
            "test_policy::test_too_many_crashes_of_any_other_child_are_tried_again_slowly",
        ),
    ),
    26: Row(
        "a speaker that never reads",
        (
            "test_bus::test_a_peer_that_does_not_read_holds_up_nobody_and_is_not_given_up",
            "test_pacer::test_what_exceeds_the_capacity_is_dropped_and_counted",
        ),
    ),
    27: Row(
        "a mic in bursts, doubled and out of order",
        (
            "test_ring::test_the_ring_never_holds_more_than_its_capacity_and_only_the_newest",
            "test_guard::test_a_frame_counts_once",
            "test_guard::test_who_sends_too_much_loses_what_is_too_much_and_nothing_else",
        ),
    ),
    28: Row(
        "a full disk, logs removed",
        (
            "test_full_disk::test_a_conversation_on_a_full_disk_is_answered_heals_and_ends_well",
            "test_full_disk::test_a_log_directory_that_is_removed_meanwhile_hurts_nobody",
            "test_logbook::test_a_log_whose_file_was_removed_is_still_written_and_kept_small",
        ),
    ),
    29: Row(
        "no free descriptor, no process to be had",
        (
            "test_limits::test_a_supervisor_without_a_free_descriptor_goes_on_and_starts_what_is_missing_afterwards",
            "test_policy::test_a_child_that_cannot_be_spawned_is_tried_again_and_again_and_never_given_up",
        ),
    ),
    30: Row(
        "too much memory",
        (
            "test_limits::test_an_actor_that_holds_too_much_memory_is_replaced_with_the_reason_and_a_reload_sets_it_right",
            "test_limits::test_an_actor_that_the_kernel_kills_for_want_of_memory_is_replaced_and_status_says_so",
            "test_oom::test_a_kill_is_recent_for_some_seconds_whoever_looked_first",
        ),
    ),
    31: Row(
        "a busy machine",
        (
            "test_busy_machine::test_nobody_is_given_up_on_a_machine_with_twice_as_many_busy_processes_as_cores",
            "test_voice::test_a_reply_of_5_min_and_10_min_of_the_microphone_lose_nothing_beside_four_busy_processes",
            "test_watching::test_a_machine_that_starves_everybody_again_and_again_loses_nobody",
        ),
    ),
    32: Row(
        "garbage in every decoder",
        (
            "test_wire_fuzz::test_damaged_frames_raise_nothing_but_wire_errors",
            "test_wire_fuzz::test_a_hub_that_is_sent_garbage_counts_it_and_goes_on_serving",
        ),
    ),
    33: Row(
        "strangers at the gate",
        (
            "test_guard::test_a_key_that_is_unknown_revoked_or_expired_is_not_admitted",
            "test_bus::test_a_stranger_is_counted_and_not_heard",
            "test_remote::test_a_stranger_gets_nothing_and_is_logged_once",
        ),
    ),
    34: Row(
        "a mic's key that wants more",
        (
            "test_guard::test_a_microphone_may_say_nothing_but_what_microphones_say",
            "test_guard::test_a_device_may_only_use_the_names_that_the_configuration_gives_it",
            "test_guard::test_an_actor_that_calls_itself_another_kind_is_refused",
        ),
    ),
    35: Row(
        "frames played again",
        (
            "test_guard::test_a_frame_counts_once",
            "test_guard::test_a_hello_of_an_incarnation_that_was_replaced_is_a_replay",
        ),
    ),
    36: Row(
        "a device revoked while it streams",
        (
            "test_remote::test_a_revoked_device_is_cut_off_within_a_second_and_stays_out_until_it_is_let_in_again",
        ),
    ),
    37: Row(
        "floods of connections at the gate",
        (
            "test_guard::test_three_bad_frames_in_ten_seconds_ban_a_key_for_a_minute",
            "test_remote::test_500_idle_connections_do_not_slow_the_voice_of_a_local_microphone_nor_the_device",
        ),
    ),
    38: Row(
        "a search for the secret",
        (
            "test_security::test_with_the_parrot_a_key_in_the_environment_reaches_no_process_at_all",
            "test_security::test_with_gemini_only_the_session_has_the_key_also_when_it_is_restarted_or_crashes",
        ),
    ),
    39: Row(
        "a long run with kills",
        ("test_chaos::test_in_half_an_hour_every_kind_of_fault_and_every_actor_has_its_turn",),
        "the run itself is `scripts/chaos --minutes N`: it prints the slopes of memory and descriptors",
    ),
    40: Row(
        "200 rounds of start and stop",
        (
            "test_start_stop::test_10_rounds_of_starting_and_ending_at_random_moments_leave_nothing_behind",
            "test_start_stop::test_200_rounds_of_starting_and_ending_at_random_moments_leave_nothing_behind",
        ),
    ),
}
